#pragma once

#include <cmath>
#include <functional>
#include <vector>

#include "cascade/cascade.h"

namespace fpcls::reference {

/// What `run_cascade` must give for one picture, one stage after the other and nothing shared:
/// `logits_of(stage)` are the stage's outputs for the picture. Softmax and the decision are written
/// out again, from their definitions.
inline Prediction classify_one(const Cascade& cascade, bool all_stages,
                               const std::function<std::vector<float>(int)>& logits_of) {
  Prediction prediction;
  prediction.predicted = cascade.otherwise;
  for (size_t s = 0; s < cascade.stages.size(); ++s) {
    const Stage& stage = cascade.stages[s];
    const std::vector<float> logits = logits_of(static_cast<int>(s));
    std::vector<double> parts;
    double sum = logits.size() == 1 ? 1 : 0;
    for (const float logit : logits) {
      parts.push_back(std::exp(static_cast<double>(logit)));
      sum += parts.back();
    }
    StageScores said{static_cast<int>(s), {}, 0};
    std::string accepted;
    if (stage.head.positive >= 0) {
      const auto score = static_cast<float>(parts[static_cast<size_t>(stage.head.positive)] / sum);
      said.scores = {score};
      if (score >= stage.info.accept) {
        accepted = stage.info.scored_labels[0];
      } else if (!stage.info.negative.empty() && 1 - score >= stage.info.accept) {
        accepted = stage.info.negative;
      }
    } else {
      size_t best = 0;
      for (size_t i = 0; i < parts.size(); ++i) {
        said.scores.push_back(static_cast<float>(parts[i] / sum));
        if (said.scores[i] > said.scores[best]) best = i;
      }
      if (said.scores[best] >= stage.info.accept) accepted = stage.info.scored_labels[best];
    }
    prediction.scores.push_back(said);
    if (!accepted.empty() && prediction.stage < 0) {
      prediction.stage = static_cast<int>(s);
      prediction.predicted = accepted;
    }
    if (prediction.stage >= 0 && !all_stages) break;
  }
  return prediction;
}

}  // namespace fpcls::reference
