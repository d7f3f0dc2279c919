#pragma once

#include <functional>
#include <vector>

/// Keeps something busy for as long as it takes to measure it.
namespace fpcls {

struct LoopPlan {
  int workers = 1;      ///< calls that run at once
  int clients = 0;      ///< callers that share the workers, first come first served; 0: as many
  int batch = 1;        ///< pictures of one call
  int warmup = 10;      ///< calls of each caller that aren't measured
  double window_s = 0.5;
  int most_windows = 10;
};

struct LoopResult {
  std::vector<float> latencies_ms;  ///< of the calls in the windows that count, ascending
  double images_per_second = 0;
  int windows = 0;
  bool stable = false;  ///< three windows in a row agree within 5 %: only they count, else all do
};

/// Every caller calls, waits for the answer, and calls again, until three windows in a row agree or
/// there have been `most_windows`. A window lasts until each caller has made a few calls, however
/// long one takes. `call(caller, number)` runs one batch; it is called by several threads at once.
/// Latencies include waiting for a worker.
LoopResult run_closed_loop(const LoopPlan& plan, const std::function<void(int, int64_t)>& call);

/// Whether the last three of `rates` are there and lie within 5 % of each other.
bool windows_agree(const std::vector<double>& rates);

}  // namespace fpcls
