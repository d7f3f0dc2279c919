#include "graph/head.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace fpcls {
namespace {

using testing::HasSubstr;

std::string complaint(const Head& head, int outputs) {
  try {
    check_head(head, outputs, "m.pt");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ScoresOf, OneLogitIsASigmoid) {
  const Head head{{"plan"}, 0};
  for (const float x : {-20.0F, -1.0F, 0.0F, 0.3F, 7.0F}) {
    ASSERT_EQ(scores_of(head, &x).size(), 1u);
    EXPECT_FLOAT_EQ(scores_of(head, &x)[0], static_cast<float>(1 / (1 + std::exp(-double{x}))));
  }
}

TEST(ScoresOf, HugeLogitsGiveZeroAndOne) {
  const Head head{{"plan"}, 0};
  const float high = 1e30F, low = -1e30F;
  EXPECT_EQ(scores_of(head, &high)[0], 1.0F);
  EXPECT_EQ(scores_of(head, &low)[0], 0.0F);
  const float both[] = {3e38F, -3e38F};
  EXPECT_EQ(scores_of({{"a", "b"}, 1}, both)[0], 0.0F);
}

TEST(ScoresOf, TwoOutputsAreTheSigmoidOfTheirDifference) {
  Random random(5);
  for (int i = 0; i < 100; ++i) {
    const float logits[] = {static_cast<float>(random.normal() * 5),
                            static_cast<float>(random.normal() * 5)};
    const double expected = 1 / (1 + std::exp(double{logits[0]} - logits[1]));
    EXPECT_NEAR(scores_of({{"no", "yes"}, 1}, logits)[0], expected, 1e-7);
    EXPECT_NEAR(scores_of({{"yes", "no"}, 0}, logits)[0], 1 - expected, 1e-7);
  }
}

TEST(ScoresOf, ManyOutputsSumToOneAndKeepTheirOrder) {
  const Head head{{"a", "b", "c"}, -1};
  const float logits[] = {0.5F, 2.0F, -1.0F};
  const std::vector<float> scores = scores_of(head, logits);
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_NEAR(std::accumulate(scores.begin(), scores.end(), 0.0), 1, 1e-6);
  EXPECT_GT(scores[1], scores[0]);
  EXPECT_GT(scores[0], scores[2]);
}

TEST(CheckHead, TakesTheThreeForms) {
  EXPECT_EQ(complaint({{"plan"}, 0}, 1), "");
  EXPECT_EQ(complaint({{"other", "plan"}, 1}, 2), "");
  EXPECT_EQ(complaint({{"other", "plan"}, -1}, 2), "");
  EXPECT_EQ(complaint({{"a", "b", "c"}, -1}, 3), "");
}

TEST(CheckHead, RefusesAnotherNumberOfLabels) {
  EXPECT_THAT(complaint({{"plan"}, 0}, 2),
              HasSubstr("m.pt: the network has 2 outputs and 1 labels"));
  EXPECT_THAT(complaint({{}, -1}, 0), HasSubstr("0 outputs"));
}

TEST(CheckHead, RefusesLabelsThatAreEmptyOrGivenTwice) {
  EXPECT_THAT(complaint({{"a", "a"}, 1}, 2), HasSubstr("label 'a' is given twice"));
  EXPECT_THAT(complaint({{"a", ""}, 1}, 2), HasSubstr("a label is empty"));
}

TEST(CheckHead, RefusesAPositiveLabelThatIsntThere) {
  EXPECT_THAT(complaint({{"a", "b"}, 2}, 2), HasSubstr("number 2, expected 0 to 1"));
  EXPECT_THAT(complaint({{"a", "b"}, -2}, 2), HasSubstr("number -2"));
}

TEST(CheckHead, RefusesAPositiveLabelAmongThree) {
  EXPECT_THAT(complaint({{"a", "b", "c"}, 1}, 3), HasSubstr("expected 1 or 2"));
}

TEST(CheckHead, RefusesASingleOutputThatIsNotPositive) {
  EXPECT_THAT(complaint({{"a"}, -1}, 1), HasSubstr("expected its label to be the positive one"));
}

TEST(Head, TemperatureDividesTheLogits) {
  const float logits[] = {3.0F, 1.0F};
  const float divided[] = {1.5F, 0.5F};
  for (const int positive : {-1, 0, 1}) {
    Head head{{"a", "b"}, positive};
    const auto expected = scores_of(head, divided);
    head.temperature = 2;
    EXPECT_EQ(scores_of(head, logits), expected);
  }
  Head one{{"a"}, 0};
  const auto expected = scores_of(one, divided);
  one.temperature = 2;
  EXPECT_EQ(scores_of(one, logits), expected);
}

TEST(Head, TemperatureMustBeAboveZero) {
  for (const float temperature : {0.0F, -1.0F, 2000.0F, std::nanf("")}) {
    Head head{{"a"}, 0};
    head.temperature = temperature;
    EXPECT_THROW(check_head(head, 1, "model"), Error) << temperature;
  }
}

}  // namespace
}  // namespace fpcls
