#pragma once

#include <optional>
#include <string>
#include <vector>

#include "metrics/evaluation.h"
#include "predictions/prediction.h"
#include "run/cascade_run.h"

/// Runs a cascade over labelled pictures, keeps what it said, and judges it.
namespace fpcls {

struct EvaluateOptions {
  InputOptions input;
  CascadeSpec cascade;
  CacheOptions cache;
  std::string out;
  bool resume = false;
  bool force = false;
  bool csv = false;
  std::string shard;
  double max_bad_ratio = 1;
  RuntimeOptions runtime;
  OutputOptions output;
  uint64_t seed = 0;

  template <class Visitor>
  void describe(Visitor& v) {
    v.group("Pictures", input);
    v.group("Cascade", cascade);
    v.option("o,out", out, "Folder for the predictions and the reports");
    v.option("resume", resume, "Go on with the run that the folder holds");
    v.option("force", force, "Replace the run that the folder holds");
    v.option("csv", csv, "Write predictions.csv as well");
    v.option("shard", shard, "Take one part of the pictures, such as 3/16");
    v.option("max_bad_ratio", max_bad_ratio,
             "Exit with 1 when more than this share of the pictures can't be decoded",
             Range{0.0, 1.0});
    v.group("Cache", cache);
    v.group("Running", runtime);
    v.option("seed", seed, "Recorded with the run");
    v.group("Output", output);
  }
};

struct EvaluateResult {
  RunInfo run;
  Evaluation evaluation;
  bool too_many_bad = false;
};

/// Throws Error where there is nothing to do or it can't be done; pictures that can't be decoded
/// are part of the result. `command` is recorded with the run.
EvaluateResult run_evaluate(const EvaluateOptions& options,
                            const std::vector<std::string>& command);

}  // namespace fpcls
