#include "tune/pruning.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "model/model_file.h"
#include "temporary_folder.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kSide = 16;

/// What all trainers of a test share.
struct Log {
  int64_t calls_left = -1;  ///< after so many steps and observations the process "dies"
  int64_t calls = 0;
  int observations = 0, steps = 0, gradients = 0;
  double nan_after = -1;  ///< the loss is NaN after so many steps
};

/// A trainer whose weights move by what it is shown, so that any change of data, order or state
/// shows in them.
class DriftingTrainer : public Trainer {
 public:
  DriftingTrainer(const Graph& graph, Log& log) : graph_(graph), log_(log) {}

  double step(const TrainingBatch& batch, double learning_rate) override {
    count();
    ++log_.steps;
    const double seen = sum_of(batch.pixels) * 1e-7;
    move([&](const Node& node, const std::string& key, double w, int64_t i) {
      if (!is_parameter(node, key)) return w;
      return w + learning_rate * std::sin(seen + static_cast<double>(i) + w);
    });
    return log_.nan_after >= 0 && log_.steps > log_.nan_after ? NAN : 1.0;
  }
  void observe(const PixelBatch& batch) override {
    count();
    ++log_.observations;
    const double seen = sum_of(batch) * 1e-9;
    move([&](const Node&, const std::string& key, double w, int64_t) {
      return key == "running_mean" ? 0.9 * w + seen : w;
    });
  }
  Graph gradients(const TrainingBatch&) override {
    ++log_.gradients;
    return graph_;
  }
  std::vector<float> evaluate(const PixelBatch& batch) override {
    std::vector<float> logits;
    for (int i = 0; i < batch.count(); ++i) {
      const auto answer = static_cast<float>(std::sin(weight_sum() + batch.pixels[0] + i));
      logits.insert(logits.end(), {answer, -answer});
    }
    return logits;
  }
  Graph graph() override { return graph_; }
  std::string save_state() override {
    std::string state;
    for (const Node& node : graph_.nodes()) {
      for (const auto& [key, tensor] : node.weights) state += tensor.bytes();
    }
    return state;
  }
  void load_state(const std::string& bytes) override {
    std::vector<Node> nodes = graph_.nodes();
    size_t at = 0;
    for (Node& node : nodes) {
      for (auto& [key, tensor] : node.weights) {
        std::vector<float> values(static_cast<size_t>(tensor.count()));
        std::memcpy(values.data(), bytes.data() + at, values.size() * sizeof(float));
        at += values.size() * sizeof(float);
        tensor = Tensor::from(tensor.shape(), std::move(values));
      }
    }
    graph_ = graph_.with_nodes(std::move(nodes));
  }

 private:
  void count() {
    ++log_.calls;
    if (log_.calls_left >= 0 && log_.calls_left-- == 0) throw std::runtime_error("killed");
  }
  static double sum_of(const PixelBatch& batch) {
    double sum = 0;
    for (size_t i = 0; i < batch.pixels.size(); ++i) {
      sum += batch.pixels[i] * static_cast<double>(i % 11 + 1);
    }
    return sum;
  }
  double weight_sum() const {
    double sum = 0;
    for (const Node& node : graph_.nodes()) {
      for (const auto& [key, tensor] : node.weights) sum += tensor.data<float>()[0];
    }
    return sum;
  }
  /// The new value of a node's weight called `key`, which is `w` at place `i`.
  using Change = std::function<double(const Node&, const std::string& key, double w, int64_t i)>;

  void move(const Change& change) {
    std::vector<Node> nodes = graph_.nodes();
    for (Node& node : nodes) {
      for (auto& [key, tensor] : node.weights) {
        std::vector<float> values(tensor.data<float>(), tensor.data<float>() + tensor.count());
        for (size_t i = 0; i < values.size(); ++i) {
          values[i] =
              static_cast<float>(change(node, key, values[i], static_cast<int64_t>(i)));
        }
        tensor = Tensor::from(tensor.shape(), std::move(values));
      }
    }
    graph_ = graph_.with_nodes(std::move(nodes));
  }

  Graph graph_;
  Log& log_;
};

TrainingSet pictures(int count) {
  TrainingSet set;
  set.height = set.width = kSide;
  for (int i = 0; i < count; ++i) {
    for (size_t k = 0; k < set.picture_bytes(); ++k) {
      set.pixels.push_back(static_cast<uint8_t>(i * 37 + static_cast<int>(k) * 3));
    }
    set.targets.push_back(i % 2);
    set.sha256.push_back(fmt::format("{:04x}", i));
  }
  return set;
}

Metadata metadata() {
  Metadata m;
  m.head = {{"other", "plan"}, 1};
  m.preprocessing.height = m.preprocessing.width = kSide;
  m.preprocessing.fit = Fit::stretch;
  return m;
}

PruningPlan small_plan() {
  PruningPlan plan;
  plan.goal = {PruneUnit::macs, 0.6};
  plan.selection.floor_count = 1;
  plan.steps = 3;
  plan.step_epochs = 1;
  plan.statistics_batches = 2;
  plan.gradient_batches = 2;
  plan.training.epochs = 2;
  plan.training.batch_size = 4;
  plan.training.augment = plan_augmentation();
  plan.training.quiet = true;
  return plan;
}

const Graph& dense() {
  static const Graph graph = small_resnet(2, 1, kSide);
  return graph;
}

PruningResult run(const PruningPlan& plan, Log& log, const std::string& fingerprint = "data") {
  return prune_and_train(
      dense(), metadata(), pictures(8), pictures(4),
      [&](const Graph& graph) { return std::make_unique<DriftingTrainer>(graph, log); }, plan,
      fingerprint);
}

std::string weights_of(const Graph& graph) {
  std::string bytes;
  for (const Node& node : graph.nodes()) {
    for (const auto& [key, tensor] : node.weights) {
      bytes += node.name + key + std::string(tensor.bytes());
    }
  }
  return bytes;
}

std::string complaint(const PruningPlan& plan, const std::string& fingerprint = "data") {
  Log log;
  try {
    run(plan, log, fingerprint);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(PruneAndTrain, TakesTheSamePartInEachStep) {
  Log log;
  const PruningResult result = run(small_plan(), log);
  ASSERT_EQ(result.steps.size(), 3u);
  for (const PruningStep& step : result.steps) {
    EXPECT_NEAR(step.ratio, 1 - std::pow(0.4, step.step / 3.0), 0.03) << step.step;
  }
  EXPECT_EQ(parameter_count(result.graph), result.steps.back().costs.parameters);
  EXPECT_EQ(mac_count(result.graph), result.steps.back().costs.macs);
  EXPECT_EQ(log.observations, 3 * 2);
  EXPECT_EQ(log.steps, (1 + 1 + 2) * 2);  // two batches an epoch
  EXPECT_EQ(result.history.size(), 2u);
}

TEST(PruneAndTrain, InOneStepRemovesAllAtOnce) {
  Log log;
  PruningPlan plan = small_plan();
  plan.steps = 1;
  const PruningResult result = run(plan, log);
  ASSERT_EQ(result.steps.size(), 1u);
  EXPECT_NEAR(result.steps[0].ratio, 0.6, 0.01);
}

TEST(PruneAndTrain, AsksForGradientsWhereTheyChoose) {
  Log log;
  PruningPlan plan = small_plan();
  plan.importance = Importance::taylor;
  run(plan, log);
  EXPECT_EQ(log.gradients, 3 * 2);
}

TEST(PruneAndTrain, KilledAnywhereGoesOnToTheSameModel) {
  Log whole;
  const PruningResult expected = run(small_plan(), whole);
  ASSERT_GT(whole.calls, 10);
  for (int64_t kill_at = 0; kill_at < whole.calls; ++kill_at) {
    const TemporaryFolder folder;
    PruningPlan plan = small_plan();
    plan.journal = folder.path() / "journal";
    plan.resume = true;
    Log log;
    log.calls_left = kill_at;
    EXPECT_THROW(run(plan, log), std::runtime_error);
    Log rest;
    const PruningResult resumed = run(plan, rest);
    EXPECT_EQ(weights_of(resumed.graph), weights_of(expected.graph)) << kill_at;
    EXPECT_EQ(resumed.keep, expected.keep);
    ASSERT_EQ(resumed.steps.size(), expected.steps.size());
    for (size_t i = 0; i < expected.steps.size(); ++i) {
      EXPECT_EQ(resumed.steps[i].ratio, expected.steps[i].ratio);
      EXPECT_EQ(resumed.steps[i].cut.loss, expected.steps[i].cut.loss);
      EXPECT_EQ(resumed.steps[i].trained.at_least_ratio, expected.steps[i].trained.at_least_ratio);
    }
  }
}

/// Never answers the same twice, as clocks do.
class DriftingTimer : public LayerTimer {
 public:
  explicit DriftingTimer(double drift) : drift_(drift) {}
  double layer_ms(const LayerShape& shape) override {
    now_ += drift_;
    return static_cast<double>(shape.inputs * shape.outputs) * (1 + 0.3 * std::sin(now_));
  }
  std::vector<double> other_ms(const Graph& graph) override {
    return std::vector<double>(static_cast<size_t>(graph.size()), 0);
  }

 private:
  double drift_, now_ = 0;
};

PruningResult run_timed(PruningPlan plan, double drift, Log& log) {
  plan.goal = {PruneUnit::latency, 0.5};
  DriftingTimer timer(drift);
  KeptLayerTimes times(timer);
  plan.times = &times;
  return run(plan, log);
}

TEST(PruneAndTrain, TakesTimesFromTheJournalSoThatTheSameChannelsGo) {
  const TemporaryFolder folder;
  PruningPlan plan = small_plan();
  plan.journal = folder.path() / "whole";
  Log whole;
  const PruningResult expected = run_timed(plan, 1, whole);
  EXPECT_EQ(expected.steps.size(), 3u);
  for (int64_t kill_at = 0; kill_at < whole.calls; kill_at += 3) {
    plan.journal = folder.path() / fmt::format("killed{}", kill_at);
    plan.resume = true;
    std::filesystem::copy_file(folder.path() / "whole.times",
                               plan.journal.string() + ".times");
    Log log, rest;
    log.calls_left = kill_at;
    EXPECT_THROW(run_timed(plan, 2, log), std::runtime_error);
    const PruningResult resumed = run_timed(plan, 3, rest);
    EXPECT_EQ(weights_of(resumed.graph), weights_of(expected.graph)) << kill_at;
    EXPECT_EQ(resumed.keep, expected.keep);
  }
}

TEST(PruneAndTrain, NeedsTimesForAShareOfTheLatency) {
  PruningPlan plan = small_plan();
  plan.goal = {PruneUnit::latency, 0.5};
  EXPECT_THAT(complaint(plan), HasSubstr("the schedule was given no times"));
}

TEST(PruneAndTrain, LeavesAJournalThatIsAModel) {
  const TemporaryFolder folder;
  PruningPlan plan = small_plan();
  plan.journal = folder.path() / "journal";
  Log log;
  const PruningResult result = run(plan, log);
  const ModelFile file = load_model_file(plan.journal);
  EXPECT_EQ(weights_of(file.graph), weights_of(result.graph));
  EXPECT_THAT(file.metadata.head.labels, ElementsAre("other", "plan"));
  // Nothing else is left behind.
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(files, 1);
}

TEST(PruneAndTrain, RefusesTheJournalOfAnotherScheduleAndOtherModels) {
  const TemporaryFolder folder;
  PruningPlan plan = small_plan();
  plan.journal = folder.path() / "journal";
  plan.resume = true;
  EXPECT_EQ(complaint(plan), "");
  EXPECT_EQ(complaint(plan), "");
  EXPECT_THAT(complaint(plan, "other data"), HasSubstr("is of a schedule with another model"));
  plan.goal.ratio = 0.5;
  EXPECT_THAT(complaint(plan), HasSubstr("is of a schedule with another model"));
  save_model_file(plan.journal, dense(), metadata());
  EXPECT_THAT(complaint(plan), HasSubstr("is a model, but no journal of a schedule"));
  write_file(plan.journal, "hello");
  EXPECT_THAT(complaint(plan), HasSubstr("'" + plan.journal.string() + "'"));
}

TEST(PruneAndTrain, StopsWhereTheLossIsNotANumber) {
  Log log;
  log.nan_after = 2;  // the first of the second step's
  const PruningResult result = run(small_plan(), log);
  EXPECT_THAT(result.divergence, HasSubstr("step 2: the loss is nan at step 1 of epoch 1"));
  EXPECT_EQ(result.steps.size(), 2u);
  for (const Node& node : result.graph.nodes()) {
    for (const auto& [key, tensor] : node.weights) {
      for (int64_t i = 0; i < tensor.count(); ++i) {
        EXPECT_TRUE(std::isfinite(tensor.data<float>()[i]));
      }
    }
  }
}

TEST(PruneAndTrain, RefusesAScheduleThatCantBeRun) {
  PruningPlan plan = small_plan();
  plan.steps = 0;
  EXPECT_THAT(complaint(plan), HasSubstr("a schedule of 0 steps"));
  plan = small_plan();
  plan.goal.ratio = 0.9999;
  EXPECT_THAT(complaint(plan), HasSubstr("can go"));
  Log log;
  const auto maker = [&](const Graph& graph) {
    return std::make_unique<DriftingTrainer>(graph, log);
  };
  EXPECT_THROW(
      prune_and_train(dense(), metadata(), pictures(0), pictures(4), maker, small_plan(), ""),
      Error);
  EXPECT_THROW(
      prune_and_train(dense(), metadata(), pictures(8), pictures(0), maker, small_plan(), ""),
      Error);
}

}  // namespace
}  // namespace fpcls
