#pragma once

#include <vector>

#include "exec/trainer.h"
#include "tune/training.h"

namespace fpcls {

struct LabelMatch {
  Graph graph;
  std::vector<double> shift;  ///< that its classifier's biases got; empty: none
};

/// The network with its classifier's biases moved so that, over the training pictures as they are,
/// each label is on average as likely as for `plan.teacher`. `trainer` was made from `graph`. It
/// stays as it was where there is no teacher, where the last layer isn't one with biases, and where
/// the answers to the validation's pictures come no nearer to the teacher's.
LabelMatch match_labels(const Graph& graph, Trainer& trainer, const TrainingSet& training,
                        const TrainingSet& validation, const TrainingPlan& plan);

}  // namespace fpcls
