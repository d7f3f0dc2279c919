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

/// The network with its classifier's weights scaled and its biases moved so that, over the training
/// pictures as they are, it is on average as sure as `plan.teacher` and finds each label as likely.
/// `trainer` was made from `graph`. It stays as it was where there is no teacher, where the last
/// layer isn't one with biases, and where the means over the validation's pictures come no nearer
/// to the teacher's.
TeacherMatch match_teacher(const Graph& graph, Trainer& trainer, const TrainingSet& training,
                           const TrainingSet& validation, const TrainingPlan& plan);

}  // namespace fpcls
