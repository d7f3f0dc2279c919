#include "tune/label_match.h"

#include <gmock/gmock.h>

#include "exec/backend.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

using testing::FloatNear;
using testing::IsEmpty;
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

/// `kind` is all pictures' target, by which a teacher tells sets apart.
TrainingSet pictures(int count, int kind) {
  TrainingSet set;
  set.height = set.width = kSide;
  for (int i = 0; i < count; ++i) {
    for (size_t k = 0; k < set.picture_bytes(); ++k) {
      set.pixels.push_back(static_cast<uint8_t>((i + 1) * 37 + static_cast<int>(k) * (i + 3)));
    }
    set.targets.push_back(kind);
    set.sha256.push_back(fmt::format("{}{:04x}", kind, i));
  }
  return set;
}

/// The network itself with something added to its outputs, for pictures of each kind.
TrainingPlan learning_from(Answering& network, std::vector<std::vector<float>> added) {
  TrainingPlan plan;
  plan.batch_size = 3;
  plan.teacher = [&network, added = std::move(added)](TrainingBatch& batch) {
    batch.teacher_logits = network.evaluate(batch.pixels);
    const std::vector<float>& more = added[static_cast<size_t>(batch.targets[0])];
    for (size_t i = 0; i < batch.teacher_logits.size(); ++i) {
      batch.teacher_logits[i] += more[i % more.size()];
    }
  };
  return plan;
}

TEST(MatchLabels, GivesANetworkThatLeansItsTeachersAnswers) {
  const Graph graph = small_resnet(2, 1, kSide);
  Answering network(graph);
  const TrainingPlan plan = learning_from(network, {{0.5F, -0.5F}, {0.5F, -0.5F}});
  const TrainingSet training = pictures(10, 0);
  const LabelMatch match = match_labels(graph, network, training, pictures(7, 1), plan);
  ASSERT_EQ(match.shift.size(), 2U);
  EXPECT_NEAR(match.shift[0], 0.5, 1e-4);
  TrainingBatch batch =
      make_training_batch(training, {0, 4, 9}, graph.input_shape(), AugmentOptions(), 0);
  plan.teacher(batch);
  EXPECT_THAT(Answering(match.graph).evaluate(batch.pixels),
              Pointwise(FloatNear(1e-3F), batch.teacher_logits));
}

TEST(MatchLabels, ChangesNothingWhereTheValidationComesNoNearer) {
  const Graph graph = small_resnet(2, 1, kSide);
  Answering network(graph);
  const LabelMatch match = match_labels(graph, network, pictures(10, 0), pictures(7, 1),
                                        learning_from(network, {{0.5F, -0.5F}, {-0.5F, 0.5F}}));
  EXPECT_THAT(match.shift, IsEmpty());
  EXPECT_EQ(Answering(match.graph).evaluate({kSide, kSide, pictures(1, 0).pixels, {0}}),
            network.evaluate({kSide, kSide, pictures(1, 0).pixels, {0}}));
}

TEST(MatchLabels, ChangesNothingWithoutATeacherOrALastLayerWithBiases) {
  const Graph graph = small_resnet(2, 1, kSide);
  Answering network(graph);
  EXPECT_THAT(match_labels(graph, network, pictures(4, 0), pictures(4, 1), TrainingPlan()).shift,
              IsEmpty());
  std::vector<Node> nodes = graph.nodes();
  Node last;
  last.name = "last";
  last.op = Op::relu;
  last.inputs = {graph.outputs()[0].node};
  nodes.push_back(last);
  const Graph followed(graph.input_shape(), nodes, {{"y", graph.size()}});
  Answering other(followed);
  EXPECT_THAT(match_labels(followed, other, pictures(4, 0), pictures(4, 1),
                           learning_from(other, {{0.5F, -0.5F}, {0.5F, -0.5F}}))
                  .shift,
              IsEmpty());
}

}  // namespace
}  // namespace fpcls
