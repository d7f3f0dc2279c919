#include "cascade/course.h"

#include <utility>

#include "predictions/decision.h"

namespace fpcls {

int Course::next_stage(Picture& picture, int stage) const {
  for (; stage < static_cast<int>(cascade_.stages.size()); ++stage) {
    std::optional<std::vector<float>>& cached = picture.cached[static_cast<size_t>(stage)];
    if (!cached) return stage;
    if (note(picture.prediction, stage, std::move(*cached), 0)) return kDone;
  }
  if (picture.prediction.stage < 0) picture.prediction.predicted = cascade_.otherwise;
  return kDone;
}

int Course::after(Picture& picture, int stage, std::vector<float> scores, double ms) const {
  if (note(picture.prediction, stage, std::move(scores), ms)) return kDone;
  return next_stage(picture, stage + 1);
}

bool Course::note(Prediction& prediction, int stage, std::vector<float> scores, double ms) const {
  if (prediction.stage < 0) {
    const StageInfo& info = cascade_.stages[static_cast<size_t>(stage)].info;
    if (const std::string* label = accepted_label(info, scores)) {
      prediction.stage = stage;
      prediction.predicted = *label;
    }
  }
  prediction.scores.push_back({stage, std::move(scores), ms});
  return prediction.stage >= 0 && !all_stages_;
}

}  // namespace fpcls
