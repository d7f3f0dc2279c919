#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "graph/named_output.h"
#include "run/bench_case.h"
#include "run/bench_pictures.h"
#include "run/load_model.h"

namespace fpcls {
namespace {

constexpr int64_t kNoisePictures = 256;

/// The scores of all pictures, run in batches of `batch`.
std::vector<std::vector<float>> all_scores(Executor& executor, const Head& head,
                                           const BenchPictures& pictures, int batch) {
  std::vector<std::vector<float>> scores;
  const size_t outputs = head.labels.size();
  for (size_t first = 0; first < pictures.batches.size(); first += static_cast<size_t>(batch)) {
    const size_t last = std::min(pictures.batches.size(), first + static_cast<size_t>(batch));
    PixelBatch joined = pictures.batches[first];
    for (size_t i = first + 1; i < last; ++i) {
      const PixelBatch& one = pictures.batches[i];
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
  const BenchPictures pictures = bench_pictures(options.images, model.preprocessing, 1,
                                                kNoisePictures, options.output.quiet);
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
