#include "metrics/charge.h"

#include <algorithm>

namespace fpcls {
namespace {

/// Index of `label` among the labels that the stage scores; -1 where it isn't one.
int scored_index(const StageInfo& stage, const std::string& label) {
  const auto found = std::find(stage.scored_labels.begin(), stage.scored_labels.end(), label);
  return found == stage.scored_labels.end() ? -1
                                            : static_cast<int>(found - stage.scored_labels.begin());
}

}  // namespace

bool can_give(const StageInfo& stage, const std::string& label) {
  return scored_index(stage, label) >= 0 || (!stage.negative.empty() && stage.negative == label);
}

float score_for(const StageInfo& stage, const std::vector<float>& scores,
                const std::string& label) {
  const int index = scored_index(stage, label);
  return index >= 0 ? scores.at(static_cast<size_t>(index)) : 1.0F - scores.at(0);
}

std::optional<float> correct_score(const StageInfo& stage, const std::vector<float>& scores,
                                   const std::string& truth) {
  if (can_give(stage, truth)) return score_for(stage, scores, truth);
  if (stage.binary && stage.negative.empty()) return 1.0F - scores.at(0);
  return std::nullopt;
}

const StageScores* find_scores(const Prediction& prediction, size_t stage) {
  for (const StageScores& scores : prediction.scores) {
    if (scores.stage == static_cast<int>(stage)) return &scores;
  }
  return nullptr;
}

Charge charge_error(const RunInfo& run, const Prediction& p, const std::string& truth) {
  const size_t accepting = p.stage >= 0 ? static_cast<size_t>(p.stage) : run.stages.size();
  size_t knowing = 0;
  while (knowing < accepting && !can_give(run.stages[knowing], truth)) ++knowing;
  Charge charge;
  if (knowing == run.stages.size()) return charge;
  charge.stage = static_cast<int>(knowing);
  charge.passed_on = knowing < accepting;
  charge.about = charge.passed_on ? truth : p.predicted;
  const StageInfo& stage = run.stages[knowing];
  const StageScores* scores = find_scores(p, knowing);
  if (scores != nullptr && can_give(stage, charge.about)) {
    charge.score = score_for(stage, scores->scores, charge.about);
    charge.harm = charge.passed_on ? 1.0F - *charge.score : *charge.score;
  }
  return charge;
}

}  // namespace fpcls
