#pragma once

#include <functional>
#include <string>
#include <vector>

#include "predictions/prediction.h"
#include "run/cascade_run.h"

/// Labels pictures: one row for each, in the order in which they were given.
namespace fpcls {

struct ClassifyOptions {
  InputOptions input;
  CascadeSpec cascade;
  CacheOptions cache;
  double max_bad_ratio = 1;
  RuntimeOptions runtime;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.group("Pictures", input);
    v.group("Cascade", cascade);
    v.option("max_bad_ratio", max_bad_ratio,
             "Exit with 1 when more than this share of the pictures can't be decoded",
             Range{0.0, 1.0});
    v.group("Cache", cache);
    v.group("Running", runtime);
    v.group("Output", output);
  }
};

struct ClassifySummary {
  int64_t pictures = 0;
  int64_t undecodable = 0;
  bool too_many_bad = false;
};

/// Calls `row` for each picture, in order, as soon as it and all before it are done.
ClassifySummary run_classify(const ClassifyOptions& options,
                             const std::function<void(const RunInfo&, const Prediction&)>& row);

/// The score that decided: that of the accepting stage's label, or of the last stage that saw it.
std::optional<float> deciding_score(const RunInfo& run, const Prediction& prediction);

/// One row as CSV (`path,label,stage,score,reason_code`) or as a JSON object, with line end.
std::string classify_header_csv();
std::string classify_row_csv(const RunInfo& run, const Prediction& prediction);
std::string classify_row_json(const RunInfo& run, const Prediction& prediction);
/// One row of aligned columns: label, score, path.
std::string classify_row_text(const RunInfo& run, const Prediction& prediction);

}  // namespace fpcls
