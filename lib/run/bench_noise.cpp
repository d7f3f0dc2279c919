#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/threads.h"
#include "graph/named_output.h"
#include "run/bench_case.h"
#include "run/bench_pictures.h"
#include "run/load_model.h"

namespace fpcls {
namespace {

constexpr int64_t kMostPictures = 256;
constexpr int kNoisePictures = 64;

/// The pictures of all batches, one by one.
std::vector<PixelBatch> one_by_one(const BenchPictures& pictures) {
  std::vector<PixelBatch> singles;
  for (const PixelBatch& batch : pictures.batches) {
    const auto each = static_cast<std::ptrdiff_t>(batch.picture_bytes());
    for (int i = 0; i < batch.count(); ++i) {
      const auto first = batch.pixels.begin() + i * each;
      singles.push_back({batch.height, batch.width, {first, first + each}, {i}});
    }
  }
  return singles;
}

/// The scores of all pictures, run in batches of `batch`.
std::vector<std::vector<float>> all_scores(Executor& executor, const Head& head,
                                           const std::vector<PixelBatch>& pictures, int batch) {
  std::vector<std::vector<float>> scores;
  const size_t outputs = head.labels.size();
  for (size_t first = 0; first < pictures.size(); first += static_cast<size_t>(batch)) {
    const size_t last = std::min(pictures.size(), first + static_cast<size_t>(batch));
    PixelBatch joined = pictures[first];
    for (size_t i = first + 1; i < last; ++i) {
      const PixelBatch& one = pictures[i];
      joined.pixels.insert(joined.pixels.end(), one.pixels.begin(), one.pixels.end());
      joined.rows.push_back(one.rows[0]);
    }
    const std::vector<float> logits = executor.run(joined);
    for (size_t i = 0; i < last - first; ++i) {
      scores.push_back(scores_of(head, logits.data() + i * outputs));
    }
  }
  return scores;
}

/// The answer that scores stand for: of a binary model whether it accepts, else the best label.
int64_t answer(const LoadedModel& model, const std::vector<float>& scores) {
  if (model.head.binary()) return scores[0] >= model.accept ? 1 : 0;
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

BenchNoise difference(const LoadedModel& model, std::string what,
                      const std::vector<std::vector<float>>& a,
                      const std::vector<std::vector<float>>& b) {
  BenchNoise noise;
  noise.what = std::move(what);
  noise.images = static_cast<int64_t>(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < a[i].size(); ++j) {
      noise.largest_difference =
          std::max(noise.largest_difference, std::abs(double{a[i][j]} - double{b[i][j]}));
    }
    noise.flips += answer(model, a[i]) != answer(model, b[i]) ? 1 : 0;
  }
  return noise;
}

}  // namespace

std::vector<BenchNoise> measure_noise(const BenchOptions& options, const BenchCase& what) {
  constexpr int kUsualBatch = 8;
  const LoadedModel model = load_model(what.model, options.foreign, HeadNeed::optional);
  const int largest = *std::max_element(options.batch.begin(), options.batch.end());
  const int batch = largest > 1 ? largest : kUsualBatch;
  const int threads = options.threads > 1 ? options.threads : std::max(2, usable_cores());
  // Real pictures one by one, so that none is left out or seen twice; of noise, as many as two
  // batches hold.
  const int held = options.images.empty() ? kNoisePictures / 2 : 1;
  const std::vector<PixelBatch> pictures = one_by_one(bench_pictures(
      options.images, model.preprocessing, held, kMostPictures, options.output.quiet));
  const RuntimeOptions runtime = runtime_of(options, what);
  const auto single = make_ready(model, runtime, 1, true);
  const auto several = make_ready(model, runtime, threads, true);
  const auto base = all_scores(*single.executor, model.head, pictures, 1);
  return {difference(model, fmt::format("batch 1 against {}", batch), base,
                     all_scores(*single.executor, model.head, pictures, batch)),
          difference(model, fmt::format("1 thread against {}", threads), base,
                     all_scores(*several.executor, model.head, pictures, 1))};
}

}  // namespace fpcls
