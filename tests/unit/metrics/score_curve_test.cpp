#include "metrics/score_curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "metrics/evaluation.h"

namespace fpcls {
namespace {

struct Scored {
  float score;
  bool positive;
};

std::vector<Scored> drawn(int count) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(0, 1);
  std::vector<Scored> all;
  for (int i = 0; i < count; ++i) {
    // Many of them exactly on a threshold.
    const float score = i % 3 == 0 ? static_cast<float>(random() % 101) / 100.0F : uniform(random);
    all.push_back({score, uniform(random) < score});
  }
  return all;
}

ScoreCurve curve_of(const std::vector<Scored>& all) {
  ScoreCurveTally tally("s", "l");
  for (const Scored& each : all) tally.add(each.score, each.positive, each.positive);
  return tally.result();
}

TEST(ScoreCurve, CountsAtEachThresholdWhatComparingWouldCount) {
  const std::vector<Scored> all = drawn(3000);
  const ScoreCurve curve = curve_of(all);
  for (int step = 0; step <= kThresholdSteps; ++step) {
    const auto bound = static_cast<float>(step / 100.0);
    int64_t accepted = 0, right = 0;
    for (const Scored& each : all) {
      if (each.score < bound) continue;
      ++accepted;
      if (each.positive) ++right;
    }
    EXPECT_EQ(curve.accepted[static_cast<size_t>(step)], accepted) << bound;
    EXPECT_EQ(curve.right[static_cast<size_t>(step)], right) << bound;
  }
  EXPECT_EQ(*curve.recall(0), 1);
  EXPECT_EQ(*curve.precision(0), static_cast<double>(curve.positives) / 3000);
}

TEST(ScoreCurve, DoesNotDependOnTheOrder) {
  std::vector<Scored> all = drawn(2000);
  const ScoreCurve before = curve_of(all);
  std::shuffle(all.begin(), all.end(), std::mt19937(3));
  const ScoreCurve after = curve_of(all);
  EXPECT_EQ(before.accepted, after.accepted);
  EXPECT_EQ(*before.calibration_error, *after.calibration_error);
  for (size_t i = 0; i < before.bins.size(); ++i) {
    EXPECT_EQ(*before.bins[i].mean_score, *after.bins[i].mean_score);
  }
}

TEST(ScoreCurve, FindsScoresThatMeanWhatTheySayCalibrated) {
  EXPECT_LT(*curve_of(drawn(100000)).calibration_error, 0.01);
  EXPECT_NEAR(*curve_of({{0.75F, true}, {0.75F, false}}).calibration_error, 0.25, 1e-12);
  EXPECT_NEAR(*curve_of({{1, true}, {0, true}}).calibration_error, 0.5, 1e-12);
}

TEST(ScoreCurve, OfNothingSaysNothing) {
  const ScoreCurve curve = curve_of({});
  EXPECT_FALSE(curve.precision(0));
  EXPECT_FALSE(curve.recall(100));
  EXPECT_FALSE(curve.calibration_error);
  EXPECT_FALSE(curve.bins[0].right_ratio);
}

RunInfo run_of(StageInfo stage) {
  RunInfo run;
  run.stages = {std::move(stage)};
  run.slices = {"s"};
  return run;
}

Prediction scored(int64_t row, const char* truth, std::vector<float> scores) {
  Prediction p;
  p.row = row;
  p.slice = "s";
  p.label = truth;
  p.scores = {{0, std::move(scores), 1}};
  return p;
}

TEST(ScoreCurve, OfAStageWithANegativeLabelThereAreTwo) {
  EvaluationAccumulator accumulator(run_of({"white", {"simple"}, "complex", 0.7F, true, "", "", ""}));
  accumulator.add(scored(0, "simple", {0.75F}));
  accumulator.add(scored(1, "complex", {0.25F}));
  accumulator.add(scored(2, "garden", {0.5F}));  // no label of this stage
  const Evaluation e = accumulator.result();
  ASSERT_EQ(e.curves.size(), 2u);
  EXPECT_EQ(e.curves[0].label, "simple");
  EXPECT_EQ(e.curves[1].label, "complex");
  for (const ScoreCurve& curve : e.curves) {
    EXPECT_EQ(curve.images, 2);
    EXPECT_EQ(*curve.precision(75), 1);
    EXPECT_EQ(*curve.recall(75), 1);
    EXPECT_EQ(*curve.recall(76), 0);
    EXPECT_FALSE(curve.precision(76));
  }
}

TEST(ScoreCurve, OfAMultiClassStageTakesItsBestLabel) {
  EvaluationAccumulator accumulator(run_of({"all", {"a", "b", "c"}, "", 0.5F, false, "", "", ""}));
  accumulator.add(scored(0, "a", {0.75F, 0.25F, 0}));
  accumulator.add(scored(1, "b", {0.5F, 0.25F, 0.25F}));
  const ScoreCurve curve = accumulator.result().curves.at(0);
  EXPECT_EQ(curve.positives, 2);
  EXPECT_EQ(*curve.precision(50), 0.5);
  EXPECT_EQ(*curve.recall(50), 0.5);
  EXPECT_EQ(*curve.precision(60), 1);
}

}  // namespace
}  // namespace fpcls
