#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "images/image_list.h"
#include "images/open_picture.h"
#include "images/preprocess.h"
#include "images/resample.h"

/// How long pictures take from the disk to a network's size, on one core.
///
///     FPCLS_PICTURES=data/floorplans images_bench
///
/// times reading, decoding and resizing of every picture in that folder; without the variable only
/// resampling is timed, of generated pixels.
namespace fpcls {
namespace {

Preprocessing stretch_to_224(Decode decode) {
  Preprocessing preprocessing;
  preprocessing.fit = Fit::stretch;
  preprocessing.decode = decode;
  return preprocessing;
}

void folder(benchmark::State& state, const char* path, Decode decode) {
  const ImageList list = list_images({path}, {});
  const Preprocessing preprocessing = stretch_to_224(decode);
  std::vector<uint8_t> pixels(size_t{3} * 224 * 224);
  for (auto step : state) {
    for (int64_t row = 0; row < list.size(); ++row) {
      const auto bytes = read_picture_file(list.entry(row).file);
      if (!std::holds_alternative<std::string>(bytes)) continue;
      const auto image = decode_image(std::get<std::string>(bytes), preprocessing);
      if (!std::holds_alternative<Image>(image)) continue;
      preprocess(std::get<Image>(image), preprocessing, pixels.data());
      benchmark::DoNotOptimize(pixels.data());
    }
  }
  state.counters["per_picture"] =
      benchmark::Counter(static_cast<double>(state.iterations() * list.size()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void resampling(benchmark::State& state, const ResampleKernels& kernels) {
  const int side = static_cast<int>(state.range(0));
  Random random(1);
  Image image{side, side, std::vector<uint8_t>(static_cast<size_t>(3 * side * side)), 0};
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(random.below(256));
  std::vector<uint8_t> pixels(size_t{3} * 224 * 224);
  for (auto step : state) {
    resample(image, {224, 0, 224}, {224, 0, 224}, pixels.data(), 3 * 224, kernels);
    benchmark::DoNotOptimize(pixels.data());
  }
}

void register_all(const char* path) {
  for (const bool best : {true, false}) {
    benchmark::RegisterBenchmark(best ? "resample/best" : "resample/portable", resampling,
                                 best ? best_kernels() : portable_kernels())
        ->Arg(256)
        ->Arg(1024)
        ->Arg(4096);
  }
  if (path == nullptr) return;
  benchmark::RegisterBenchmark("folder/fast", folder, path, Decode::fast)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("folder/exact", folder, path, Decode::exact)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace
}  // namespace fpcls

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  try {
    fpcls::register_all(std::getenv("FPCLS_PICTURES"));
    benchmark::RunSpecifiedBenchmarks();
  } catch (const fpcls::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  return 0;
}
