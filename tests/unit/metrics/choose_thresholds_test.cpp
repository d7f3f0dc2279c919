#include "metrics/choose_thresholds.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "base/hash.h"
#include "base/random.h"
#include "metrics/temperature.h"

namespace fpcls {
namespace {

RunInfo one_stage(const std::string& negative = "") {
  RunInfo run;
  StageInfo stage;
  stage.name = "a";
  stage.scored_labels = {"a"};
  stage.negative = negative;
  stage.accept = 0.5F;
  run.stages = {stage};
  return run;
}

Prediction scored(int64_t row, const std::string& label, float score) {
  Prediction p;
  p.row = row;
  p.sha256 = sha256_hex(std::to_string(row));
  p.label = label;
  p.scores = {{0, {score}, 0}};
  return p;
}

Wishes every_stage(Figure figure, double wanted) {
  Wishes wishes;
  wishes.every_stage = Wish{figure, wanted};
  return wishes;
}

/// Pictures whose truth is "a" as often as the score says.
ThresholdChooser honest(const RunInfo& run, int count, uint64_t seed) {
  ThresholdChooser chooser(run);
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    const double score = random.uniform();
    chooser.add(scored(i, random.chance(score) ? "a" : "b", static_cast<float>(score)));
  }
  return chooser;
}

TEST(ChooseThresholds, ForPrecisionTakesTheLowestThatHasIt) {
  const ThresholdChoice choice =
      honest(one_stage(), 4000, 1).choose(every_stage(Figure::precision, 0.9));
  const StageChoice& stage = choice.stages.at(0);
  ASSERT_TRUE(stage.accept);
  EXPECT_GE(*stage.chosen_on.precision(), 0.9);
  // Scores are uniform: the precision above t is (1 + t) / 2.
  EXPECT_NEAR(*stage.accept, 0.8, 0.06);
  EXPECT_NEAR(*stage.judged_on.precision(), 0.9, 0.03);
  EXPECT_EQ(stage.chosen_on.entered + stage.judged_on.entered, 4000);
}

TEST(ChooseThresholds, ForRecallTakesTheHighestThatHasIt) {
  const ThresholdChoice choice =
      honest(one_stage(), 4000, 2).choose(every_stage(Figure::recall, 0.75));
  const StageChoice& stage = choice.stages.at(0);
  ASSERT_TRUE(stage.accept);
  EXPECT_GE(*stage.chosen_on.recall(), 0.75);
  // The recall above t is 1 - t^2.
  EXPECT_NEAR(*stage.accept, 0.5, 0.05);
  EXPECT_NEAR(*stage.judged_on.recall(), 0.75, 0.04);
}

TEST(ChooseThresholds, ThatDoNotExistAreAbsentAndTheRunsIsKept) {
  ThresholdChooser chooser(one_stage());
  for (int i = 0; i < 100; ++i) chooser.add(scored(i, "b", 0.9F));
  const ThresholdChoice choice = chooser.choose(every_stage(Figure::precision, 0.5));
  EXPECT_FALSE(choice.stages[0].accept);
  EXPECT_EQ(choice.correct_before, choice.correct_after);
}

TEST(ChooseThresholds, OfAStageWithTwoLabelsStayAboveOneHalf) {
  ThresholdChooser chooser(one_stage("b"));
  Random random(5);
  for (int i = 0; i < 500; ++i) {
    const double score = random.uniform();
    chooser.add(scored(i, score > 0.5 ? "a" : "b", static_cast<float>(score)));
  }
  const ThresholdChoice choice = chooser.choose(every_stage(Figure::precision, 0.9));
  ASSERT_TRUE(choice.stages[0].accept);
  EXPECT_GT(*choice.stages[0].accept, 0.5F);
  EXPECT_EQ(*choice.stages[0].judged_on.precision(), 1);
}

TEST(ChooseThresholds, DontDependOnTheOrderOfPictures) {
  const RunInfo run = one_stage();
  ThresholdChooser forwards(run), backwards(run);
  for (int i = 0; i < 300; ++i) {
    forwards.add(scored(i, i % 3 == 0 ? "a" : "b", static_cast<float>(i % 17) / 17.0F));
    const int j = 299 - i;
    backwards.add(scored(j, j % 3 == 0 ? "a" : "b", static_cast<float>(j % 17) / 17.0F));
  }
  EXPECT_EQ(forwards.choose(every_stage(Figure::recall, 0.6)).stages[0].accept,
            backwards.choose(every_stage(Figure::recall, 0.6)).stages[0].accept);
}

TEST(ChooseThresholds, AreChosenForWhatEarlierStagesLeaveOver) {
  RunInfo run = one_stage();
  StageInfo second = run.stages[0];
  second.name = "b";
  second.scored_labels = {"b"};
  run.stages.push_back(second);
  ThresholdChooser chooser(run);
  for (int i = 0; i < 400; ++i) {
    const bool a = i % 2 == 0;
    Prediction p = scored(i, a ? "a" : "b", a ? 0.9F : 0.1F);
    p.scores.push_back({1, {0.8F}, 0});  // says b of everything
    chooser.add(p);
  }
  const ThresholdChoice choice = chooser.choose(every_stage(Figure::precision, 0.99));
  ASSERT_TRUE(choice.stages[1].accept);
  EXPECT_EQ(*choice.stages[1].judged_on.precision(), 1);
  EXPECT_EQ(choice.correct_after, choice.judged);
}

/// Two stages, each with scores that say how often they are right; a third of the pictures is of
/// neither label.
ThresholdChooser honest_pair(int count) {
  RunInfo run = one_stage();
  run.otherwise = "other";
  run.stages.push_back(run.stages[0]);
  run.stages[1].name = "b";
  run.stages[1].scored_labels = {"b"};
  ThresholdChooser chooser(run);
  Random random(11);
  for (int i = 0; i < count; ++i) {
    const double a = random.uniform(), b = random.uniform();
    const bool is_a = random.chance(a * 0.7);
    const bool is_b = !is_a && random.chance(b);
    Prediction p = scored(i, is_a ? "a" : is_b ? "b" : "other", static_cast<float>(a));
    p.scores.push_back({1, {static_cast<float>(b)}, 0});
    chooser.add(p);
  }
  return chooser;
}

TEST(ChooseThresholds, OfOneStageLeaveTheOthers) {
  Wishes wishes;
  wishes.stages["b"] = {Figure::precision, 0.8};
  const ThresholdChoice choice = honest_pair(3000).choose(wishes);
  EXPECT_FALSE(choice.stages[0].accept);
  EXPECT_FALSE(choice.stages[0].wish);
  ASSERT_TRUE(choice.stages[1].accept);
  EXPECT_GE(*choice.stages[1].chosen_on.precision(), 0.8);
  EXPECT_EQ(choice.stages[1].wish->wanted, 0.8);
}

TEST(ChooseThresholds, OfOneStageGoBeforeThoseOfEveryStage) {
  Wishes wishes = every_stage(Figure::recall, 0.5);
  wishes.stages["b"] = {Figure::precision, 0.8};
  const ThresholdChoice choice = honest_pair(3000).choose(wishes);
  EXPECT_EQ(choice.stages[0].wish->figure, Figure::recall);
  EXPECT_EQ(choice.stages[1].wish->figure, Figure::precision);
}

TEST(ChooseThresholds, OfTheFunnelMeetTheWishTogether) {
  const ThresholdChooser chooser = honest_pair(6000);
  for (const Figure figure : {Figure::precision, Figure::recall}) {
    double covered = figure == Figure::precision ? 2 : -1;
    for (const double wanted : {0.5, 0.6, 0.65}) {
      Wishes wishes;
      wishes.funnel = Wish{figure, wanted};
      const ThresholdChoice choice = chooser.choose(wishes);
      const auto got = [&](const ThresholdFigures& f) {
        return figure == Figure::precision ? *f.precision() : *f.recall();
      };
      ASSERT_TRUE(choice.stages[0].accept && choice.stages[1].accept) << wanted;
      EXPECT_GE(got(choice.funnel_chosen_on), wanted);
      EXPECT_NEAR(got(choice.funnel_chosen_on), wanted, 0.02) << "not the nearest that does";
      EXPECT_NEAR(got(choice.funnel_judged_on), wanted, 0.08);
      // More precision covers less, more recall covers more.
      const double coverage = *choice.funnel_chosen_on.coverage();
      EXPECT_TRUE(figure == Figure::precision ? coverage <= covered : coverage >= covered);
      covered = coverage;
    }
  }
}

TEST(ChooseThresholds, OfAFunnelThatCannotAreAllKept) {
  ThresholdChooser chooser(one_stage());
  for (int i = 0; i < 100; ++i) chooser.add(scored(i, i % 2 == 0 ? "a" : "b", 0.9F));
  Wishes wishes;
  wishes.funnel = Wish{Figure::precision, 0.99};
  const ThresholdChoice choice = chooser.choose(wishes);
  EXPECT_FALSE(choice.stages[0].accept);
  EXPECT_EQ(choice.correct_before, choice.correct_after);
}

TEST(ChooseThresholds, OfTheFunnelAddUpOverTheStages) {
  const ThresholdChoice choice = honest_pair(2000).choose(every_stage(Figure::precision, 0.7));
  int64_t accepted = 0, correct = 0;
  for (const StageChoice& stage : choice.stages) {
    accepted += stage.judged_on.accepted;
    correct += stage.judged_on.correct;
  }
  EXPECT_EQ(choice.funnel_judged_on.accepted, accepted);
  EXPECT_EQ(choice.funnel_judged_on.correct, correct);
  EXPECT_EQ(choice.funnel_judged_on.all, choice.judged);
  EXPECT_EQ(choice.stages[1].judged_on.entered + choice.stages[0].judged_on.accepted,
            choice.stages[0].judged_on.entered);
}

/// The obvious way: every threshold that occurs is tried.
std::optional<float> by_trying(const std::vector<std::pair<float, bool>>& claims, Wish wish) {
  std::optional<float> best;
  const auto all = std::count_if(claims.begin(), claims.end(), [](auto& c) { return c.second; });
  for (const auto& [t, unused] : claims) {
    int64_t accepted = 0, right = 0;
    for (const auto& [score, correct] : claims) {
      accepted += score >= t;
      right += score >= t && correct;
    }
    const double got = static_cast<double>(right) /
                       static_cast<double>(wish.figure == Figure::precision ? accepted : all);
    if (got < wish.wanted) continue;
    const bool better = !best || (wish.figure == Figure::precision ? t < *best : t > *best);
    if (better) best = t;
  }
  return best;
}

TEST(ChooseThresholds, AreThoseThatTryingFinds) {
  Random random(3);
  for (int round = 0; round < 60; ++round) {
    ThresholdChooser chooser(one_stage());
    std::vector<std::pair<float, bool>> choosing;
    for (int i = 0; i < 60; ++i) {
      const int row = round * 100 + i;
      const float score = static_cast<float>(random.below(12)) / 16.0F;
      const bool right = random.chance(score);
      const Prediction p = scored(row, right ? "a" : "b", score);
      chooser.add(p);
      if (p.sha256.back() < '8') choosing.emplace_back(score, right);
    }
    for (const Figure figure : {Figure::precision, Figure::recall}) {
      const Wish wish{figure, 0.25 * static_cast<double>(1 + random.below(3))};
      EXPECT_EQ(chooser.choose(every_stage(wish.figure, wish.wanted)).stages[0].accept,
                by_trying(choosing, wish))
          << round;
    }
  }
}

TEST(ChooseThresholds, OfAStageThatIsNotThereAreAnError) {
  Wishes wishes;
  wishes.stages["c"] = {Figure::precision, 0.8};
  const ThresholdChooser chooser = honest_pair(100);
  EXPECT_THROW(chooser.choose(wishes), Error);
}

TEST(ChooseThresholds, NeedPicturesWithLabelsAndAllScores) {
  ThresholdChooser chooser(one_stage());
  Prediction unlabelled = scored(1, "a", 0.5F);
  unlabelled.label.reset();
  chooser.add(unlabelled);
  Prediction unscored = scored(2, "a", 0.5F);
  unscored.scores.clear();
  chooser.add(unscored);
  try {
    chooser.choose(every_stage(Figure::precision, 0.9));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("2 have no label or not all scores"));
  }
}

std::vector<ScoredPicture> too_sure_by(double factor, int count) {
  Random random(7);
  std::vector<ScoredPicture> pictures;
  for (int i = 0; i < count; ++i) {
    const double logit = 1.5 * random.normal();
    const double honest_score = 1 / (1 + std::exp(-logit));
    pictures.push_back(
        {static_cast<float>(1 / (1 + std::exp(-logit * factor))), random.chance(honest_score)});
  }
  return pictures;
}

TEST(Temperature, IsFoundAgain) {
  for (const double factor : {0.5, 1.0, 3.0}) {
    const auto pictures = too_sure_by(factor, 20000);
    const auto temperature = fit_temperature(pictures);
    ASSERT_TRUE(temperature) << factor;
    EXPECT_NEAR(*temperature / factor, 1, 0.06) << factor;
    EXPECT_LE(log_loss(pictures, *temperature), log_loss(pictures, 1));
    EXPECT_LT(calibration_error(pictures, *temperature), 0.02);
  }
}

TEST(Temperature, HasTheLeastLossOfAGrid) {
  const auto pictures = too_sure_by(2, 500);
  const double best = log_loss(pictures, *fit_temperature(pictures));
  for (double t = 0.1; t < 10; t *= 1.03) EXPECT_GE(log_loss(pictures, t) + 1e-9, best) << t;
}

TEST(Temperature, KeepsTheOrderOfScoresAndOneHalf) {
  double before = -1;
  for (float score = 0; score <= 1; score += 0.05F) {
    const double after = at_temperature(score, 3);
    EXPECT_GT(after, before);
    before = after;
  }
  EXPECT_DOUBLE_EQ(at_temperature(0.5F, 7), 0.5);
  EXPECT_EQ(at_temperature(0, 2), 0);
  EXPECT_EQ(at_temperature(1, 2), 1);
}

TEST(Temperature, IsAbsentWhereScoresDontTell) {
  EXPECT_FALSE(fit_temperature({}));
  EXPECT_FALSE(fit_temperature({{0.9F, true}, {0.8F, true}}));
  EXPECT_FALSE(
      fit_temperature({{0.9F, true}, {0.1F, false}}));  // never wrong: the surer the better
  EXPECT_FALSE(fit_temperature({{0.1F, true}, {0.9F, false}}));  // always wrong
}

TEST(Temperature, LossOfCertaintyThatIsWrongIsFinite) {
  EXPECT_NEAR(log_loss({{1.0F, false}}, 1), -std::log(1e-7), 1e-6);
  EXPECT_NEAR(log_loss({{0.5F, true}}, 4), std::log(2.0), 1e-12);
}

}  // namespace
}  // namespace fpcls
