#pragma once

#include <string>
#include <vector>

#include "predictions/pairing.h"
#include "run/gate.h"

/// The two runs of a gate: opened, held against each other, read as one stream of pairs. Internal
/// to lib/run.
namespace fpcls {

struct GateRun {
  std::string name;  ///< as given
  bool is_store = true;
  bool knows_content = true;
  RunInfo run;
  int64_t size = 0;  ///< predictions
  std::vector<std::string> remarks;
  /// Sorted as asked for. May be called once.
  std::function<SortedSource(RowOrder)> sorted;
};

/// `like`: where the other run is already open, whose stages explain a CSV file's scores.
GateRun open_gate_run(const std::string& input, const GateRun* like);

/// Throws Error where a run is empty or unfinished, or int8 models ran on different instructions.
void check_comparable(const GateRun& base, const GateRun& candidate,
                      const std::vector<Allowance>& allow);

/// What is told beside the answer.
std::vector<RunDifference> run_differences(const RunInfo& base, const RunInfo& candidate);

/// What one run measured of itself.
struct RunCost {
  std::string cpu;
  double picture_ms = 0;  ///< median over the pictures, all phases; 0: nothing was timed
  double peak_rss_bytes = 0;
};
RunCost run_cost(const std::string& input);

}  // namespace fpcls
