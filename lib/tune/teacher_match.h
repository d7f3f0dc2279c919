#pragma once

#include <optional>

#include "compress/answer_match.h"
#include "exec/trainer.h"
#include "tune/training.h"

namespace fpcls {

struct TeacherMatch {
  Graph graph;
  std::optional<AnswerMatch> change;  ///< of its outputs; none: the graph is as it was
};

/// The network with its classifier's weights scaled and its biases moved so that, over the
/// validation's pictures, which it never learnt by heart, it is on average as sure as
/// `plan.teacher` and finds each label as likely. `trainer` was made from `graph`. It stays as it
/// was where there is no teacher, where the last layer isn't one with biases, and where there are
/// fewer than 50 pictures.
TeacherMatch match_teacher(const Graph& graph, Trainer& trainer, const TrainingSet& validation,
                           const TrainingPlan& plan);

}  // namespace fpcls
