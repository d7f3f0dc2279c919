#include "images/thumbnail.h"

#include <webp/encode.h>

#include <algorithm>
#include <cmath>

#include "images/preprocess.h"

namespace fpcls {
namespace {

constexpr int64_t kMostPixels = 50'000'000;
/// Lines of a drawing stay readable at about 3 KB.
constexpr float kQuality = 60;

int scaled(int side, int longest, int wanted) {
  if (longest <= wanted) return side;
  return std::max(1, static_cast<int>(std::lround(static_cast<double>(side) * wanted / longest)));
}

}  // namespace

std::variant<EncodedThumbnail, DecodeFailure> make_thumbnail(std::string_view bytes,
                                                             int longest_side) {
  Preprocessing small;
  small.fit = Fit::stretch;
  small.decode = Decode::fast;
  small.width = small.height = longest_side;
  DecodeLimits limits;
  limits.max_pixels = kMostPixels;
  auto decoded = decode_image(bytes, small, limits);
  if (auto* failure = std::get_if<DecodeFailure>(&decoded)) return std::move(*failure);
  const Image& image = std::get<Image>(decoded);
  const int longest = std::max(image.width, image.height);
  small.width = scaled(image.width, longest, longest_side);
  small.height = scaled(image.height, longest, longest_side);
  std::string pixels(static_cast<size_t>(small.width) * static_cast<size_t>(small.height) * 3, 0);
  preprocess(image, small, reinterpret_cast<uint8_t*>(pixels.data()));
  uint8_t* encoded = nullptr;
  const size_t size = WebPEncodeRGB(reinterpret_cast<const uint8_t*>(pixels.data()), small.width,
                                    small.height, 3 * small.width, kQuality, &encoded);
  if (size == 0) {
    return DecodeFailure{ReasonCode::too_large, "not enough memory to encode the thumbnail"};
  }
  EncodedThumbnail thumbnail{std::string(reinterpret_cast<const char*>(encoded), size), small.width,
                             small.height};
  WebPFree(encoded);
  return thumbnail;
}

}  // namespace fpcls
