#include "predictions/decision.h"

#include <algorithm>

#include "base/error.h"

namespace fpcls {

const std::string* accepted_label(const StageInfo& stage, const std::vector<float>& scores) {
  FPCLS_CHECK(!scores.empty() && scores.size() == stage.scored_labels.size());
  if (stage.binary) {
    if (scores[0] >= stage.accept) return &stage.scored_labels[0];
    if (!stage.negative.empty() && 1.0F - scores[0] >= stage.accept) return &stage.negative;
    return nullptr;
  }
  const auto best = std::max_element(scores.begin(), scores.end());
  if (!(*best >= stage.accept)) return nullptr;
  return &stage.scored_labels[static_cast<size_t>(best - scores.begin())];
}

DecisionOrGap decide(const RunInfo& run, const std::vector<StageScores>& scores) {
  for (int stage = 0; stage < static_cast<int>(run.stages.size()); ++stage) {
    const auto found = std::find_if(scores.begin(), scores.end(),
                                    [&](const StageScores& s) { return s.stage == stage; });
    if (found == scores.end()) return {std::nullopt, stage};
    const std::string* label =
        accepted_label(run.stages[static_cast<size_t>(stage)], found->scores);
    if (label != nullptr) return {Decision{stage, *label}, -1};
  }
  return {Decision{-1, run.otherwise}, -1};
}

}  // namespace fpcls
