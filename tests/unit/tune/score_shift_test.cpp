#include "tune/score_shift.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace fpcls {
namespace {

const Head kBinary{{"other", "plan"}, 1};

TrainingSet set_of(std::vector<int> targets) {
  TrainingSet set;
  set.targets = std::move(targets);
  return set;
}

TEST(ScoreShift, CountsBucketsAsFloat32AndWithTheirBounds) {
  const JudgedScores scores{{0.5F, 0.8F, 0.79F, 0.95F, 0.1F}, {1, 0, 0, 1, 0}};
  const TrainingSet set = set_of({1, 0, 0, 1, 1});
  const ScoreFigures figures = figures_of(scores, set, kBinary);
  EXPECT_EQ(figures.at_least, (std::array<int64_t, 4>{4, 2, 1, 1}));
  EXPECT_EQ(figures.right, 4);
  EXPECT_DOUBLE_EQ(*figures.precision, 1);
  EXPECT_DOUBLE_EQ(*figures.recall, 2.0 / 3);
}

TEST(ScoreShift, HasNoPrecisionWhereNothingIsGivenTheLabel) {
  const ScoreFigures figures = figures_of({{0.9F, 0.2F}, {0, 0}}, set_of({0, 1}), kBinary);
  EXPECT_FALSE(figures.precision);
  EXPECT_DOUBLE_EQ(*figures.recall, 0);
}

TEST(ScoreShift, OfModelsOfManyClassesIsThatOfTheBuckets) {
  const Head many{{"a", "b", "c"}, -1};
  const ScoreFigures figures = figures_of({{0.9F, 0.2F}, {0, 1}}, set_of({0, 2}), many);
  EXPECT_FALSE(figures.precision);
  EXPECT_FALSE(figures.recall);
}

TEST(ScoreShift, IsTheLargestChangeUpOrDown) {
  ScoreFigures before;
  before.pictures = 200;
  before.at_least = {190, 180, 150, 100};
  before.precision = 0.9;
  before.recall = 0.8;
  ScoreFigures after = before;
  EXPECT_DOUBLE_EQ(largest_shift_points(before, after), 0);
  after.at_least[3] = 103;
  EXPECT_NEAR(largest_shift_points(before, after), 1.5, 1e-9);
  after.at_least[0] = 186;
  EXPECT_NEAR(largest_shift_points(before, after), 2, 1e-9);
  after.recall = 0.83;
  EXPECT_NEAR(largest_shift_points(before, after), 3, 1e-9);
  after.precision.reset();
  EXPECT_NEAR(largest_shift_points(before, after), 90, 1e-9);
}

TEST(ScoreShift, MigrationCountsEachPictureOnceAndFlipsApart) {
  const JudgedScores before{{0.4F, 0.6F, 0.97F, 0.5F}, {0, 1, 1, 1}};
  const JudgedScores after{{0.4F, 0.85F, 0.97F, 0.49F}, {0, 1, 1, 0}};
  const ScoreMigration migration = migration_of(before, after);
  EXPECT_EQ(migration.kept[0][0], 1);
  EXPECT_EQ(migration.kept[1][2], 1);
  EXPECT_EQ(migration.kept[4][4], 1);
  EXPECT_EQ(migration.flipped[1][0], 1);
  EXPECT_EQ(migration.moved(), 2);
  EXPECT_EQ(migration.flips(), 1);
}

TEST(ScoreShift, PairsOfABucketAddUpToTheChangeOfItsCount) {
  Random random(4);
  for (int round = 0; round < 20; ++round) {
    const int64_t count = random.between(1, 200);
    JudgedScores before, after;
    for (int64_t i = 0; i < count; ++i) {
      before.correct.push_back(static_cast<float>(random.uniform(0, 1)));
      after.correct.push_back(static_cast<float>(random.uniform(0, 1)));
      before.answer.push_back(random.chance(0.5) ? 1 : 0);
      after.answer.push_back(random.chance(0.5) ? 1 : 0);
    }
    const TrainingSet set = set_of(before.answer);
    const ScoreFigures was = figures_of(before, set, kBinary);
    const ScoreFigures is = figures_of(after, set, kBinary);
    const ScoreMigration migration = migration_of(before, after);
    for (size_t b = 0; b < kBucketBounds.size(); ++b) {
      const PairedCounts pairs = bucket_pairs(migration, b);
      EXPECT_EQ(pairs.n, count);
      EXPECT_EQ(pairs.gained - pairs.lost, is.at_least[b] - was.at_least[b]);
      int64_t lost = 0;
      for (size_t i = 0; i < before.correct.size(); ++i) {
        lost += before.correct[i] >= kBucketBounds[b] && after.correct[i] < kBucketBounds[b];
      }
      EXPECT_EQ(pairs.lost, lost);
    }
  }
}

}  // namespace
}  // namespace fpcls
