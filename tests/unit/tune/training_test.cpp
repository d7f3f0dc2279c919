#include "tune/training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "temporary_folder.h"
#include "tune/checkpoint.h"
#include "tune/schedule.h"

namespace fpcls {
namespace {

using testing::HasSubstr;

constexpr int kSide = 4;

/// One linear layer behind a flatten: the least that a graph can be.
Graph tiny_graph(float weight = 0) {
  std::vector<Node> nodes(3);
  nodes[0].name = "input";
  nodes[1] = {Op::flatten, "flatten", {0}, AxisAttributes{1}, {}};
  nodes[2] = {Op::linear, "fc", {1}, {}, {}};
  nodes[2].weights["weight"] = Tensor::from<float>(
      {2, 3 * kSide * kSide}, std::vector<float>(2 * 3 * kSide * kSide, weight));
  return Graph({1, 3, kSide, kSide}, std::move(nodes), {{"logits", 2}});
}

const Head kHead{{"not_plan", "plan"}, 1};

/// A trainer that counts: its "weights" are the sum of all it was given, so that any change of
/// data, order of epochs or state shows. Its quality on the validation set follows a script.
class CountingTrainer : public Trainer {
 public:
  explicit CountingTrainer(std::vector<double> quality) : quality_(std::move(quality)) {}

  double step(const TrainingBatch& batch, double learning_rate) override {
    if (++steps_ == fail_at) throw std::runtime_error("killed");
    if (steps_ == nan_at) return std::nan("");
    for (size_t i = 0; i < batch.pixels.pixels.size(); ++i) {
      sum_ += batch.pixels.pixels[i] * static_cast<double>(i % 7 + 1) * learning_rate;
    }
    teacher_logits = batch.teacher_logits;
    rows.insert(rows.end(), batch.pixels.rows.begin(), batch.pixels.rows.end());
    weights.insert(weights.end(), batch.weights.begin(), batch.weights.end());
    return 1.0 / static_cast<double>(steps_);
  }
  void observe(const PixelBatch&) override { ++observations; }
  Graph gradients(const TrainingBatch&) override { return tiny_graph(); }
  std::vector<float> evaluate(const PixelBatch& batch) override {
    // One call an epoch: the first `quality` pictures are answered right.
    const double right = quality_[std::min(evaluations_, quality_.size() - 1)];
    const auto size =
        static_cast<float>(confidence[std::min(evaluations_++, confidence.size() - 1)]);
    std::vector<float> logits;
    for (int i = 0; i < batch.count(); ++i) {
      const bool positive = i % 2 == 1;
      const bool answer = i < right * batch.count() ? positive : !positive;
      logits.push_back(std::isnan(right) ? NAN : answer ? -size : size);
      logits.push_back(answer ? size : -size);
    }
    return logits;
  }
  Graph graph() override { return tiny_graph(static_cast<float>(sum_)); }
  std::string save_state() override {
    return fmt::format("{:a} {} {}", sum_, steps_, evaluations_);
  }
  void load_state(const std::string& bytes) override {
    ASSERT_EQ(std::sscanf(bytes.c_str(), "%la %d %zu", &sum_, &steps_, &evaluations_), 3);
  }

  std::vector<double> confidence{1};  ///< of each evaluation: the size of its logits
  int observations = 0;
  std::vector<float> teacher_logits;  ///< of the last step
  int fail_at = -1;
  int nan_at = -1;
  std::vector<int64_t> rows;
  std::vector<float> weights;
  int steps() const { return steps_; }

 private:
  std::vector<double> quality_;
  double sum_ = 0;
  int steps_ = 0;
  size_t evaluations_ = 0;
};

TrainingSet make_set(int count, int positives) {
  TrainingSet set;
  set.height = set.width = kSide;
  for (int i = 0; i < count; ++i) {
    for (size_t k = 0; k < set.picture_bytes(); ++k)
      set.pixels.push_back(static_cast<uint8_t>(i * 31 + k));
    set.targets.push_back(positives > 0 ? (i < positives ? 1 : 0) : i % 2);
    set.sha256.push_back(fmt::format("{:04x}", i * 7919 % 65536));
  }
  return set;
}

TrainingPlan small_plan() {
  TrainingPlan plan;
  plan.epochs = 5;
  plan.batch_size = 4;
  plan.augment = plan_augmentation();
  plan.quiet = true;
  return plan;
}

float weight_of(const Graph& graph) { return graph.node(2).weight("weight").data<float>()[0]; }

TEST(Schedule, RisesThenFallsToZero) {
  EXPECT_NEAR(learning_rate_at(0, 100, 1, 0.1), 0.1, 1e-12);
  EXPECT_NEAR(learning_rate_at(10, 100, 1, 0.1), 1, 1e-12);
  EXPECT_NEAR(learning_rate_at(55, 100, 1, 0.1), 0.5, 1e-12);
  EXPECT_LT(learning_rate_at(99, 100, 1, 0.1), 0.001);
  for (int step = 1; step < 10; ++step) {
    EXPECT_GT(learning_rate_at(step, 100, 1, 0.1), learning_rate_at(step - 1, 100, 1, 0.1));
  }
  for (int step = 11; step < 100; ++step) {
    EXPECT_LT(learning_rate_at(step, 100, 1, 0.1), learning_rate_at(step - 1, 100, 1, 0.1));
  }
}

TEST(Schedule, BeginsAtThePeakWithoutWarmUp) { EXPECT_EQ(learning_rate_at(0, 10, 0.5, 0), 0.5); }

TEST(Train, TakesEachPictureOnceAnEpochInAnotherOrder) {
  CountingTrainer trainer({0.5});
  const TrainingSet set = make_set(12, 0);
  TrainingPlan plan = small_plan();
  plan.epochs = 2;
  train(trainer, tiny_graph(), kHead, set, set, plan, "");
  ASSERT_EQ(trainer.rows.size(), 24u);
  const std::vector<int64_t> first(trainer.rows.begin(), trainer.rows.begin() + 12);
  const std::vector<int64_t> second(trainer.rows.begin() + 12, trainer.rows.end());
  EXPECT_NE(first, second);
  EXPECT_EQ(std::set<int64_t>(first.begin(), first.end()).size(), 12u);
  EXPECT_EQ(std::set<int64_t>(second.begin(), second.end()).size(), 12u);
}

TEST(Train, GivesTheSameNetworkForTheSameSeedAndAnotherForAnotherSeed) {
  const TrainingSet set = make_set(12, 0);
  const auto result = [&](uint64_t seed) {
    CountingTrainer trainer({0.5, 1.0});
    TrainingPlan plan = small_plan();
    plan.seed = seed;
    return weight_of(train(trainer, tiny_graph(), kHead, set, set, plan, "").best);
  };
  EXPECT_EQ(result(1), result(1));
  EXPECT_NE(result(1), result(2));
}

TEST(Train, KeepsTheBestEpochNotTheLast) {
  CountingTrainer trainer({0.5, 1.0, 0.75, 0.5, 0.25});
  const TrainingSet set = make_set(8, 0);
  TrainingPlan plan = small_plan();
  plan.batch_size = 8;
  const TrainingResult result = train(trainer, tiny_graph(), kHead, set, set, plan, "");
  EXPECT_EQ(result.best_epoch, 2);
  EXPECT_EQ(result.history.size(), 5u);
  EXPECT_EQ(result.history[1].validation.accuracy, 1);
  EXPECT_NE(weight_of(result.best), weight_of(trainer.graph()));
}

TEST(Train, StopsEarlyWhenNothingGetsBetter) {
  CountingTrainer trainer({1.0, 0.5});
  const TrainingSet set = make_set(8, 0);
  TrainingPlan plan = small_plan();
  plan.batch_size = 8;
  plan.epochs = 100;
  plan.patience = 3;
  const TrainingResult result = train(trainer, tiny_graph(), kHead, set, set, plan, "");
  EXPECT_TRUE(result.stopped_early);
  EXPECT_EQ(result.history.size(), 4u);
  EXPECT_EQ(result.best_epoch, 1);
}

TEST(Train, StopsAtALossThatIsNoNumberAndKeepsTheLastGoodNetwork) {
  CountingTrainer trainer({1.0});
  trainer.nan_at = 4;  // two steps an epoch: the second of the second
  const TrainingSet set = make_set(8, 0);
  const TrainingResult result = train(trainer, tiny_graph(), kHead, set, set, small_plan(), "");
  EXPECT_THAT(result.divergence, HasSubstr("step 2 of epoch 2"));
  EXPECT_EQ(result.best_epoch, 1);
  EXPECT_EQ(trainer.steps(), 4);
}

TEST(Train, KeepsTheNetworkOfTheLargestBucketThatWasAskedFor) {
  const TrainingSet set = make_set(8, 0);
  for (const int bucket : {-1, 0, 3}) {
    // Right about all at first, though never sure; later sure and right about three of four.
    CountingTrainer trainer({1.0, 0.75, 0.5});
    trainer.confidence = {0.1, 5, 5};
    TrainingPlan plan = small_plan();
    plan.best_by_bucket = bucket;
    const TrainingResult result = train(trainer, tiny_graph(), kHead, set, set, plan, "");
    EXPECT_EQ(result.best_epoch, bucket == 3 ? 2 : 1) << bucket;
  }
}

TEST(Train, AsksTheTeacherAboutTheVeryPicturesOfEachStep) {
  const TrainingSet set = make_set(8, 0);
  CountingTrainer trainer({1.0});
  TrainingPlan plan = small_plan();
  plan.epochs = 1;
  std::vector<int64_t> asked;
  plan.teacher = [&](TrainingBatch& batch) {
    const std::vector<int64_t>& rows = batch.pixels.rows;
    asked.insert(asked.end(), rows.begin(), rows.end());
    batch.teacher_logits.assign(rows.size() * 2, 0.25F);
  };
  train(trainer, tiny_graph(), kHead, set, set, plan, "");
  EXPECT_EQ(asked, trainer.rows);
  EXPECT_EQ(trainer.teacher_logits, std::vector<float>(8, 0.25F));
}

TEST(Train, GoesOnFromACheckpointAsIfItHadNotStopped) {
  const TemporaryFolder folder;
  const TrainingSet set = make_set(12, 0);
  TrainingPlan plan = small_plan();
  CountingTrainer whole({0.5, 0.75, 1.0, 0.5});
  const TrainingResult expected = train(whole, tiny_graph(), kHead, set, set, plan, "data");

  plan.checkpoint = folder.path() / "c.checkpoint";
  plan.resume = true;
  for (int kill_at : {2, 5, 8, 11, 14}) {  // three steps an epoch
    CountingTrainer killed({0.5, 0.75, 1.0, 0.5});
    killed.fail_at = kill_at;
    EXPECT_THROW(train(killed, tiny_graph(), kHead, set, set, plan, "data"), std::runtime_error);
  }
  CountingTrainer last({0.5, 0.75, 1.0, 0.5});
  const TrainingResult resumed = train(last, tiny_graph(), kHead, set, set, plan, "data");
  EXPECT_EQ(weight_of(resumed.best), weight_of(expected.best));
  EXPECT_EQ(resumed.best_epoch, expected.best_epoch);
  EXPECT_EQ(weight_of(last.graph()), weight_of(whole.graph()));
  ASSERT_EQ(resumed.history.size(), expected.history.size());
  for (size_t i = 0; i < expected.history.size(); ++i) {
    EXPECT_EQ(resumed.history[i].loss, expected.history[i].loss);
    EXPECT_EQ(resumed.history[i].validation.loss, expected.history[i].validation.loss);
  }
}

TEST(Checkpoint, OfAnotherTrainingOrDamagedIsRefused) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "c";
  save_checkpoint(file, {"a", "state", tiny_graph(2), 1, {{1, 0.5, 1e-3, {}}}});
  ASSERT_TRUE(load_checkpoint(file, tiny_graph(), "a").has_value());
  EXPECT_EQ(weight_of(load_checkpoint(file, tiny_graph(), "a")->best), 2);
  EXPECT_THROW(load_checkpoint(file, tiny_graph(), "b"), Error);
  EXPECT_FALSE(load_checkpoint(folder.path() / "missing", tiny_graph(), "a").has_value());
  const std::string bytes = read_file(file);
  for (size_t i = 0; i < bytes.size(); i += 5) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    write_file(file, damaged);
    try {
      load_checkpoint(file, tiny_graph(), "a");
      ADD_FAILURE() << "byte " << i << " of " << bytes.size() << " was changed without a complaint";
    } catch (const Error&) {
    }
  }
}

TEST(Train, WeighsClassesSoThatEachCountsTheSame) {
  CountingTrainer trainer({0.5});
  const TrainingSet set = make_set(12, 3);
  TrainingPlan plan = small_plan();
  plan.epochs = 1;
  train(trainer, tiny_graph(), kHead, set, set, plan, "");
  double positive = 0, negative = 0;
  for (size_t i = 0; i < trainer.rows.size(); ++i) {
    (trainer.rows[i] < 3 ? positive : negative) += trainer.weights[i];
  }
  EXPECT_NEAR(positive, 6, 1e-5);
  EXPECT_NEAR(negative, 6, 1e-5);
}

TEST(SplitTrainingSet, KeepsSharesAndNeverPartsCopies) {
  TrainingSet set = make_set(100, 20);
  for (size_t i = 0; i < 100; i += 5) set.sha256[i] = set.sha256[i / 20];  // copies
  const auto [training, validation] = split_training_set(set, 0.2);
  EXPECT_EQ(training.size() + validation.size(), 100);
  const auto positives = std::count(validation.targets.begin(), validation.targets.end(), 1);
  EXPECT_NEAR(static_cast<double>(positives), 4, 3);
  EXPECT_NEAR(static_cast<double>(validation.size()), 20, 6);
  const std::set<std::string> trained(training.sha256.begin(), training.sha256.end());
  for (size_t i = 0; i < validation.sha256.size(); ++i) {
    for (size_t k = 0; k < training.sha256.size(); ++k) {
      EXPECT_NE(training.sha256[k], validation.sha256[i]);
    }
  }
}

TEST(SplitTrainingSet, DoesNotDependOnTheOrderOfThePictures) {
  TrainingSet set = make_set(40, 0), reversed = set;
  std::reverse(reversed.sha256.begin(), reversed.sha256.end());
  std::reverse(reversed.targets.begin(), reversed.targets.end());
  const auto a = split_training_set(set, 0.25).second.sha256;
  const auto b = split_training_set(reversed, 0.25).second.sha256;
  EXPECT_EQ(std::set<std::string>(a.begin(), a.end()), std::set<std::string>(b.begin(), b.end()));
}

TEST(WithoutCopies, LeavesOutWhatIsHeldBackAndNothingElse) {
  const TrainingSet set = make_set(10, 0);
  TrainingSet held = make_set(10, 0);
  held.sha256.assign({set.sha256[3], set.sha256[7], "elsewhere"});
  const TrainingSet rest = without_copies(set, held);
  ASSERT_EQ(rest.size(), 8);
  EXPECT_EQ(rest.sha256[3], set.sha256[4]);
  EXPECT_EQ(rest.targets[3], set.targets[4]);
  EXPECT_EQ(rest.picture(3)[0], set.picture(4)[0]);
  EXPECT_EQ(without_copies(set, TrainingSet{}).size(), 10);
}

TEST(Train, StopsWhenTheNetworkAnswersNoNumbers) {
  CountingTrainer trainer({0.5, 0.75, std::nan("")});
  const TrainingSet set = make_set(8, 0);
  TrainingPlan plan = small_plan();
  plan.batch_size = 8;
  const TrainingResult result = train(trainer, tiny_graph(), kHead, set, set, plan, "");
  EXPECT_THAT(result.divergence, HasSubstr("epoch 3"));
  EXPECT_EQ(result.history.size(), 2u);
  EXPECT_EQ(result.best_epoch, 2);
}

TEST(Train, RefusesOnePicture) {
  CountingTrainer trainer({0.5});
  const TrainingSet one = make_set(1, 0);
  EXPECT_THROW(train(trainer, tiny_graph(), kHead, one, one, small_plan(), ""), Error);
}

TEST(ValidationFigures, CountWhatIsRightAndSure) {
  // logits: sure and right, unsure and right, wrong
  const std::vector<float> logits = {-5, 5, 0, 0.1F, -5, 5};
  const ValidationFigures figures = validation_figures(kHead, logits, {1, 1, 0});
  EXPECT_NEAR(figures.accuracy, 2.0 / 3, 1e-12);
  EXPECT_NEAR(figures.balanced_accuracy, 0.5, 1e-12);
  EXPECT_NEAR(figures.at_least_ratio[2], 1.0 / 3, 1e-12);
  const double expected = (std::log(1 + std::exp(-10.0)) + std::log(1 + std::exp(-0.1)) +
                           std::log(1 + std::exp(10.0))) /
                          3;
  EXPECT_NEAR(figures.loss, expected, 1e-6);
}

TEST(ValidationFigures, TakeOneOutputAsALogit) {
  const ValidationFigures figures = validation_figures({{"plan"}, 0}, {3, -3}, {1, 0});
  EXPECT_EQ(figures.accuracy, 1);
  EXPECT_NEAR(figures.loss, std::log(1 + std::exp(-3.0)), 1e-6);
}

TEST(ValidationFigures, DivideLogitsByTheTemperature) {
  for (const std::vector<std::string>& labels :
       {std::vector<std::string>{"plan"}, {"no", "plan"}}) {
    const int positive = static_cast<int>(labels.size()) - 1;
    const std::vector<float> sure = {6, -3, -4, 8}, less_sure = {3, -1.5F, -2, 4};
    std::vector<int> targets(4 / labels.size(), 1);
    const ValidationFigures divided = validation_figures({labels, positive, 2}, sure, targets);
    const ValidationFigures expected = validation_figures({labels, positive}, less_sure, targets);
    EXPECT_NEAR(divided.loss, expected.loss, 1e-12);
    EXPECT_EQ(divided.accuracy, expected.accuracy);
    EXPECT_EQ(divided.at_least_ratio, expected.at_least_ratio);
  }
}

}  // namespace
}  // namespace fpcls
