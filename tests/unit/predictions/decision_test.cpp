#include "predictions/decision.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reference/metrics/made_predictions.h"

namespace fpcls {
namespace {

std::string accepted(const StageInfo& stage, std::vector<float> scores) {
  const std::string* label = accepted_label(stage, scores);
  return label == nullptr ? "" : *label;
}

TEST(Decision, AcceptsAtTheThresholdAsFloat32) {
  StageInfo stage = made::run().stages[0];
  for (const float accept : {0.1F, 0.3F, 0.7F, 0.9F, 0.95F}) {
    stage.accept = accept;
    EXPECT_EQ(accepted(stage, {accept}), "wireframe");
    EXPECT_EQ(accepted(stage, {std::nextafter(accept, 0.0F)}), "");
  }
}

TEST(Decision, AcceptsTheNegativeLabelOfAStageThatHasOne) {
  const StageInfo white = made::run().stages[3];  // accept 0.7
  EXPECT_EQ(accepted(white, {0.75F}), "simple");
  EXPECT_EQ(accepted(white, {0.5F}), "");
  EXPECT_EQ(accepted(white, {0.25F}), "complex");
  EXPECT_EQ(accepted(made::run().stages[0], {0.0F}), "") << "this one has none";
}

TEST(Decision, AcceptsTheFirstOfTheBestLabels) {
  const StageInfo kinds = made::run(true).stages[2];  // accept 0.4
  EXPECT_EQ(accepted(kinds, {0.2F, 0.4F, 0.4F}), "complex");
  EXPECT_EQ(accepted(kinds, {0.3F, 0.35F, 0.35F}), "");
}

TEST(Decision, IsTheFirstStageThatAccepts) {
  const RunInfo run = made::run();
  const auto of = [&](float a, float b, float c, float d) {
    return decide(run, {{0, {a}, 0}, {1, {b}, 0}, {2, {c}, 0}, {3, {d}, 0}}).decision.value();
  };
  EXPECT_EQ(of(0.9F, 0.9F, 0.9F, 0.9F).label, "wireframe");
  EXPECT_EQ(of(0, 0, 0.9F, 0.9F).stage, 2);
  EXPECT_EQ(of(0, 0, 0, 0.5F).label, "other");
  EXPECT_EQ(of(0, 0, 0, 0.5F).stage, -1);
}

TEST(Decision, SaysWhichStageIsMissing) {
  const RunInfo run = made::run();
  EXPECT_EQ(decide(run, {{0, {0.9F}, 0}}).decision->label, "wireframe") << "the rest isn't needed";
  const DecisionOrGap gap = decide(run, {{0, {0.1F}, 0}, {2, {0.9F}, 0}});
  EXPECT_FALSE(gap.decision);
  EXPECT_EQ(gap.missing_stage, 1);
}

}  // namespace
}  // namespace fpcls
