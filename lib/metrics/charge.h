#pragma once

#include <optional>
#include <string>

#include "metrics/evaluation.h"
#include "predictions/prediction.h"

/// Which stage of a cascade is to blame for a wrong answer, and how sure it was.
namespace fpcls {

/// Whether `label` is one that the stage scores, or its negative.
bool can_give(const StageInfo& stage, const std::string& label);

/// The stage's score for a label that it can give.
float score_for(const StageInfo& stage, const std::vector<float>& scores, const std::string& label);

/// The stage's score for the correct class, as `Buckets` counts it; absent where `truth` says
/// nothing about this stage.
std::optional<float> correct_score(const StageInfo& stage, const std::vector<float>& scores,
                                   const std::string& truth);

/// What the stage at `stage` said of the picture, or nullptr where it didn't see it.
const StageScores* find_scores(const Prediction& prediction, size_t stage);

/// A wrong answer by the rule of `FunnelStage`.
struct Charge {
  int stage = -1;          ///< index into RunInfo::stages; -1: nobody is charged
  bool passed_on = false;  ///< it knew the true label, and let the picture go on
  std::string about;       ///< the label that `score` is for
  std::optional<float> score, harm;  ///< as in ErrorCase
};

/// `prediction` has a label, could be decoded, and is wrong.
Charge charge_error(const RunInfo& run, const Prediction& prediction, const std::string& truth);

}  // namespace fpcls
