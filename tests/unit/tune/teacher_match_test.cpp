#include "tune/teacher_match.h"

#include <gmock/gmock.h>

#include <numeric>

#include "exec/backend.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

using testing::FloatNear;
using testing::Pointwise;

constexpr int kSide = 16;

/// Answers as the graph does, and doesn't learn.
class Answering : public Trainer {
 public:
  explicit Answering(const Graph& graph)
      : graph_(graph), executor_(make_executor(ExecutorKind::automatic, graph, {}, {})) {}

  std::vector<float> evaluate(const PixelBatch& batch) override { return executor_->run(batch); }
  double step(const TrainingBatch&, double) override { return 0; }
  void observe(const PixelBatch&) override {}
  Graph gradients(const TrainingBatch&) override { return graph_; }
  Graph graph() override { return graph_; }
  std::string save_state() override { return ""; }
  void load_state(const std::string&) override {}

 private:
  Graph graph_;
  std::unique_ptr<Executor> executor_;
};

TrainingSet pictures(int count) {
  TrainingSet set;
  set.height = set.width = kSide;
  for (int i = 0; i < count; ++i) {
    for (size_t k = 0; k < set.picture_bytes(); ++k) {
      set.pixels.push_back(static_cast<uint8_t>((i + 1) * 37 + static_cast<int>(k) * (i + 3)));
    }
    set.targets.push_back(0);
    set.sha256.push_back(fmt::format("{:04x}", i));
  }
  return set;
}

/// The network itself, its outputs grown by half and something added.
TrainingPlan learning_from(Answering& network, const std::vector<float>& added) {
  TrainingPlan plan;
  plan.batch_size = 3;
  plan.teacher = [&network, added](TrainingBatch& batch) {
    batch.teacher_logits = network.evaluate(batch.pixels);
    for (size_t i = 0; i < batch.teacher_logits.size(); ++i) {
      batch.teacher_logits[i] = 1.5F * batch.teacher_logits[i] + added[i % added.size()];
    }
  };
  return plan;
}

/// By how much the first of two outputs is larger: all that scores depend on.
std::vector<float> score_differences(const std::vector<float>& logits) {
  std::vector<float> differences;
  for (size_t i = 0; i < logits.size(); i += 2) differences.push_back(logits[i] - logits[i + 1]);
  return differences;
}

TEST(MatchTeacher, GivesANetworkThatLeansAndDoubtsItsTeachersAnswers) {
  const Graph graph = small_resnet(2, 1, kSide);
  Answering network(graph);
  const TrainingSet validation = pictures(60);
  std::vector<int64_t> rows(60);
  std::iota(rows.begin(), rows.end(), 0);
  TrainingBatch batch = make_training_batch(validation, rows, graph.input_shape(), {}, 0);
  // The teacher, as sure of both labels, in the middle between the network's answers.
  const std::vector<float> before = score_differences(network.evaluate(batch.pixels));
  const float middle = 1.5F * std::accumulate(before.begin(), before.end(), 0.0F) / 120;
  const TrainingPlan plan = learning_from(network, {-middle, middle});
  plan.teacher(batch);
  const TeacherMatch match = match_teacher(graph, network, validation, plan);
  ASSERT_TRUE(match.change);
  EXPECT_NEAR(match.change->scale, 1.5, 1e-2);
  EXPECT_THAT(score_differences(Answering(match.graph).evaluate(batch.pixels)),
              Pointwise(FloatNear(1e-2F), score_differences(batch.teacher_logits)));
}

TEST(MatchTeacher, ChangesNothingByAFewPictures) {
  const Graph graph = small_resnet(2, 1, kSide);
  Answering network(graph);
  const TrainingPlan plan = learning_from(network, {0.5F, -0.5F});
  EXPECT_FALSE(match_teacher(graph, network, pictures(49), plan).change);
  EXPECT_TRUE(match_teacher(graph, network, pictures(50), plan).change);
}

TEST(MatchTeacher, ChangesNothingWithoutATeacherOrALastLayerWithBiases) {
  const Graph graph = small_resnet(2, 1, kSide);
  Answering network(graph);
  EXPECT_FALSE(match_teacher(graph, network, pictures(60), TrainingPlan()).change);
  std::vector<Node> nodes = graph.nodes();
  Node last;
  last.name = "last";
  last.op = Op::relu;
  last.inputs = {graph.outputs()[0].node};
  nodes.push_back(last);
  const Graph followed(graph.input_shape(), nodes, {{"y", graph.size()}});
  Answering other(followed);
  EXPECT_FALSE(
      match_teacher(followed, other, pictures(60), learning_from(other, {0.5F, -0.5F})).change);
}

}  // namespace
}  // namespace fpcls
