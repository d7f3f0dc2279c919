#pragma once

#include <vector>

#include "predictions/prediction.h"

/// The one rule by which a cascade labels a picture. The same function decides while the cascade
/// runs and when stored scores are judged again with other thresholds.
namespace fpcls {

/// The label that `stage` accepts a picture with these `scores` under, or nullptr where it passes
/// the picture on. A binary stage accepts its positive label when score >= accept (compared as
/// float32) and, where it has a negative label, that one when 1 - score >= accept. A multi-class
/// stage accepts its best label (the first of equals) when that score >= accept.
const std::string* accepted_label(const StageInfo& stage, const std::vector<float>& scores);

struct Decision {
  int stage = -1;  ///< -1: no stage accepted
  std::string label;
};

/// The first stage in order that accepts decides. Where a stage that comes before has no scores
/// (it never saw the picture), the rule can't be applied: returns nothing, and says at which stage.
struct DecisionOrGap {
  std::optional<Decision> decision;
  int missing_stage = -1;
};
DecisionOrGap decide(const RunInfo& run, const std::vector<StageScores>& scores);

}  // namespace fpcls
