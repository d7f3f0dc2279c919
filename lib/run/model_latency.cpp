#include "run/model_latency.h"

#include <algorithm>
#include <memory>

#include "base/stopwatch.h"
#include "exec/backend.h"
#include "metrics/intervals.h"

namespace fpcls {
namespace {

constexpr int kWarmUps = 2;
constexpr int kLeastRuns = 12;
constexpr int kMostRuns = 200;
constexpr double kLeast_s = 0.5;  // for each network

struct Case {
  std::unique_ptr<Executor> executor;  ///< none: the engine can't
  std::vector<float> ms;
};

PixelBatch grey_picture(const Shape& input) {
  PixelBatch batch;
  batch.height = static_cast<int>(input[2]);
  batch.width = static_cast<int>(input[3]);
  batch.rows = {0};
  batch.pixels.assign(batch.picture_bytes(), 128);
  return batch;
}

}  // namespace

std::vector<std::optional<double>> quick_latencies_ms(const std::vector<const Graph*>& graphs,
                                                      const Preprocessing& preprocessing,
                                                      int threads) {
  ExecutorOptions options;
  options.threads = threads;
  std::vector<Case> cases;
  for (const Graph* graph : graphs) {
    Case& one = cases.emplace_back();
    if (!engine_backend().refusal(*graph).empty()) continue;
    one.executor = engine_backend().make_executor(*graph, preprocessing, options);
  }
  const PixelBatch picture = grey_picture(graphs[0]->input_shape());
  const double limit_s = kLeast_s * static_cast<double>(cases.size());
  const Stopwatch all;
  for (int run = 0; run < kMostRuns && (run < kLeastRuns || all.seconds() < limit_s); ++run) {
    for (Case& one : cases) {
      if (one.executor == nullptr) continue;
      const Stopwatch watch;
      one.executor->run(picture);
      if (run >= kWarmUps) one.ms.push_back(static_cast<float>(watch.ms()));
    }
  }
  std::vector<std::optional<double>> medians;
  for (Case& one : cases) {
    std::sort(one.ms.begin(), one.ms.end());
    medians.push_back(one.ms.empty() ? std::nullopt : std::optional<double>(quantile(one.ms, 0.5)));
  }
  return medians;
}

}  // namespace fpcls
