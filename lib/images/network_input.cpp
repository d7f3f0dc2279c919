#include "images/network_input.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "images/preprocess.h"

namespace fpcls {

std::variant<Tensor, DecodeFailure> network_input(std::string_view bytes,
                                                  const Preprocessing& preprocessing,
                                                  const PixelTable& table) {
  const auto image = decode_image(bytes, preprocessing);
  if (const auto* failure = std::get_if<DecodeFailure>(&image)) return *failure;
  const int height = preprocessing.height, width = preprocessing.width;
  const auto places = static_cast<size_t>(height) * static_cast<size_t>(width);
  std::vector<uint8_t> pixels(places * 3);
  preprocess(std::get<Image>(image), preprocessing, pixels.data());
  std::vector<float> values(places * 3);
  for (size_t i = 0; i < places; ++i) {
    for (size_t c = 0; c < 3; ++c) values[c * places + i] = table[c][pixels[i * 3 + c]];
  }
  return Tensor::from<float>({1, 3, height, width}, std::move(values));
}

}  // namespace fpcls
