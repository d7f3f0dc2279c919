#include "tune/label_match.h"

#include <algorithm>

#include "compress/bias_correction.h"
#include "compress/int8_choice.h"
#include "compress/label_shift.h"

namespace fpcls {
namespace {

/// Means of labels settle long before that.
constexpr int64_t kMostPictures = 2048;

struct Answers {
  std::vector<float> student, teacher;  ///< logits, row-major {pictures, outputs}
};

/// To pictures from the whole set.
Answers answers_to(const TrainingSet& set, Trainer& trainer, const Shape& input,
                   const TrainingPlan& plan) {
  Answers answers;
  const int64_t count = std::min(set.size(), kMostPictures);
  for (int64_t first = 0; first < count; first += plan.batch_size) {
    std::vector<int64_t> rows;
    for (int64_t i = first; i < std::min(count, first + plan.batch_size); ++i) {
      rows.push_back(i * set.size() / count);
    }
    TrainingBatch batch = make_training_batch(set, rows, input, AugmentOptions(), 0);
    plan.teacher(batch);
    const std::vector<float> logits = trainer.evaluate(batch.pixels);
    answers.student.insert(answers.student.end(), logits.begin(), logits.end());
    answers.teacher.insert(answers.teacher.end(), batch.teacher_logits.begin(),
                           batch.teacher_logits.end());
  }
  return answers;
}

}  // namespace

LabelMatch match_labels(const Graph& graph, Trainer& trainer, const TrainingSet& training,
                        const TrainingSet& validation, const TrainingPlan& plan) {
  const int layer = classifier_of(graph);
  if (!plan.teacher || layer < 0 || graph.outputs()[0].node != layer) return {graph, {}};
  const int64_t outputs = graph.output_count();
  const Answers seen = answers_to(training, trainer, graph.input_shape(), plan);
  const std::vector<double> shift = label_shift(seen.student, seen.teacher, outputs);
  const Answers held = answers_to(validation, trainer, graph.input_shape(), plan);
  const std::vector<double> none(shift.size());
  const auto distance = [&](const std::vector<double>& moved) {
    return label_distance(held.student, held.teacher, moved);
  };
  if (!(distance(shift) < distance(none))) return {graph, {}};
  std::vector<Node> nodes = graph.nodes();
  Node& node = nodes[static_cast<size_t>(layer)];
  node = with_shifted_bias(std::move(node), shift);
  return {graph.with_nodes(std::move(nodes)), shift};
}

}  // namespace fpcls
