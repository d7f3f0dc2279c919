#include "run/bench_pictures.h"

#include <algorithm>
#include <variant>

#include "base/error.h"
#include "base/random.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "cascade/picture_source.h"
#include "run/picture_list.h"

namespace fpcls {
namespace {

using Pixels = std::vector<uint8_t>;

struct Decoded {
  std::vector<Pixels> pictures;
  double decode_ms = 0, resize_ms = 0;
};

Decoded decode(const std::vector<std::string>& inputs, const Preprocessing& p, int64_t most,
               bool quiet) {
  InputOptions options;
  options.inputs = inputs;
  options.labels = LabelSource::none;
  const ImageList list = list_pictures(options, {}, AnyLabel::no, quiet);
  const auto source = picture_files(list);
  Decoded decoded;
  for (int64_t row = 0; row < list.size(); ++row) {
    if (static_cast<int64_t>(decoded.pictures.size()) == most) break;
    Stopwatch watch;
    const auto bytes = source->read(source->entry(row));
    if (!std::holds_alternative<std::string>(bytes)) continue;
    const auto image = source->decode(std::get<std::string>(bytes), p);
    if (!std::holds_alternative<Image>(image)) continue;
    decoded.decode_ms += watch.ms();
    watch.restart();
    Pixels pixels(static_cast<size_t>(p.height) * static_cast<size_t>(p.width) * 3);
    source->resize(std::get<Image>(image), p, pixels.data());
    decoded.resize_ms += watch.ms();
    decoded.pictures.push_back(std::move(pixels));
  }
  if (decoded.pictures.empty()) {
    fail("--images: none of the {} pictures can be decoded", list.size());
  }
  return decoded;
}

/// Two different batches, so that nothing can be kept from one run to the next.
std::vector<Pixels> noise(const Preprocessing& p, int batch) {
  Random random(0);
  std::vector<Pixels> pictures(static_cast<size_t>(batch) * 2);
  for (Pixels& pixels : pictures) {
    pixels.resize(static_cast<size_t>(p.height) * static_cast<size_t>(p.width) * 3);
    for (uint8_t& value : pixels) value = static_cast<uint8_t>(random.bits());
  }
  return pictures;
}

}  // namespace

int64_t BenchPictures::size_bytes() const {
  int64_t bytes = 0;
  for (const PixelBatch& batch : batches) bytes += static_cast<int64_t>(batch.pixels.size());
  return bytes;
}

BenchPictures bench_pictures(const std::vector<std::string>& inputs, const Preprocessing& p,
                             int batch, int64_t most, bool quiet) {
  BenchPictures result;
  std::vector<Pixels> pictures;
  if (inputs.empty()) {
    pictures = noise(p, batch);
    result.what = "noise";
  } else {
    Decoded decoded = decode(inputs, p, std::max<int64_t>(most, batch), quiet);
    pictures = std::move(decoded.pictures);
    const auto count = static_cast<double>(pictures.size());
    result.what = fmt::format("{} pictures", pictures.size());
    result.decode_ms = decoded.decode_ms / count;
    result.resize_ms = decoded.resize_ms / count;
  }
  const size_t size = static_cast<size_t>(batch);
  const size_t batches = std::max<size_t>(1, pictures.size() / size);
  for (size_t b = 0; b < batches; ++b) {
    PixelBatch& filled = result.batches.emplace_back();
    filled.height = p.height;
    filled.width = p.width;
    for (size_t i = 0; i < size; ++i) {
      const size_t from = (b * size + i) % pictures.size();
      filled.pixels.insert(filled.pixels.end(), pictures[from].begin(), pictures[from].end());
      filled.rows.push_back(static_cast<int64_t>(from));
    }
  }
  return result;
}

}  // namespace fpcls
