#include "tune/teacher_match.h"

#include <algorithm>

#include "compress/bias_correction.h"
#include "compress/int8_choice.h"

namespace fpcls {
namespace {

/// Below, means say little; above, they have settled.
constexpr int64_t kFewestPictures = 50, kMostPictures = 2048;

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

Tensor scaled(const Tensor& values, double scale) {
  std::vector<float> result(values.data<float>(), values.data<float>() + values.count());
  for (float& x : result) x = static_cast<float>(x * scale);
  return Tensor::from(values.shape(), std::move(result));
}

Node changed(Node node, const AnswerMatch& change) {
  for (auto& [key, tensor] : node.weights) tensor = scaled(tensor, change.scale);
  return with_shifted_bias(std::move(node), change.shift);
}

}  // namespace

TeacherMatch match_teacher(const Graph& graph, Trainer& trainer, const TrainingSet& validation,
                           const TrainingPlan& plan) {
  const int layer = classifier_of(graph);
  if (!plan.teacher || layer < 0 || graph.outputs()[0].node != layer) return {graph, {}};
  if (validation.size() < kFewestPictures) return {graph, {}};
  const Answers answers = answers_to(validation, trainer, graph.input_shape(), plan);
  const AnswerMatch change = answer_match(answers.student, answers.teacher, graph.output_count());
  std::vector<Node> nodes = graph.nodes();
  Node& node = nodes[static_cast<size_t>(layer)];
  node = changed(std::move(node), change);
  return {graph.with_nodes(std::move(nodes)), change};
}

}  // namespace fpcls
