#include "tune/ratio_search.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/random.h"

namespace fpcls {
namespace {

using testing::ElementsAre;

/// Losses that grow with the ratio; nothing above `reachable` can be removed.
struct FakeModel {
  double steepness = 4;
  double reachable = 0.97;
  double seconds_each = 0;
  double now = 0;

  std::optional<RatioTrial> attempt(double ratio) {
    now += seconds_each;
    if (ratio > reachable) return std::nullopt;
    return RatioTrial{ratio, 1 - ratio, lost(ratio)};
  }
  double lost(double ratio) const { return steepness * ratio * ratio * ratio; }
};

RatioAnswer run(FakeModel& model, const RatioSearch& search) {
  return search_ratio(
      search, [&](double ratio) { return model.attempt(ratio); }, [&] { return model.now; });
}

TEST(SearchRatio, FindsTheLargestHundredthThatStaysWithin) {
  for (const double steepness : {1.5, 4.0, 20.0, 300.0}) {
    FakeModel model;
    model.steepness = steepness;
    const RatioAnswer answer = run(model, {1, 0});
    ASSERT_TRUE(answer.best);
    const double ratio = answer.trials[*answer.best].ratio;
    EXPECT_LE(model.lost(ratio), 1);
    EXPECT_GT(model.lost(ratio + 0.01), 1);
    EXPECT_LE(answer.trials.size(), 8U);
  }
}

TEST(SearchRatio, StopsAtWhatCanBeReached) {
  FakeModel model;
  model.steepness = 0;
  const RatioAnswer answer = run(model, {1, 0});
  ASSERT_TRUE(answer.best);
  EXPECT_DOUBLE_EQ(answer.trials[*answer.best].ratio, 0.97);
}

TEST(SearchRatio, AnswersNothingWhereNothingStaysWithin) {
  FakeModel model;
  model.steepness = 1e9;
  const RatioAnswer answer = run(model, {1, 0});
  EXPECT_FALSE(answer.best);
  EXPECT_FALSE(answer.trials.empty());
}

TEST(SearchRatio, BeginsNoTrialThatWouldEndTooLate) {
  FakeModel model;
  model.seconds_each = 10;
  RatioAnswer answer = run(model, {1, 35});
  EXPECT_EQ(answer.trials.size(), 3U);
  EXPECT_TRUE(answer.out_of_time);
  EXPECT_TRUE(answer.best);
  model.now = 0;
  answer = run(model, {1, 1});
  EXPECT_EQ(answer.trials.size(), 1U);  // nobody knows yet how long one takes
  model.now = 0;
  EXPECT_FALSE(run(model, {1, 1000}).out_of_time);
}

TEST(ParetoSet, HoldsWhatNothingElseBeats) {
  EXPECT_THAT(pareto_set({{0.5, 50, 1}, {0.7, 30, 2}, {0.6, 40, 3}, {0.4, 60, 1}, {0.7, 30, 2}}),
              ElementsAre(true, true, false, false, true));
  EXPECT_THAT(pareto_set({}), ElementsAre());
}

TEST(ParetoSet, IsNeverEmptyAndNoMemberBeatsAnother) {
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    std::vector<RatioTrial> trials(1 + static_cast<size_t>(random.below(12)));
    for (RatioTrial& t : trials) {
      t.cost = static_cast<double>(random.below(6));
      t.shift_points = static_cast<double>(random.below(6));
    }
    const std::vector<bool> in_set = pareto_set(trials);
    int members = 0;
    for (size_t a = 0; a < trials.size(); ++a) {
      members += in_set[a] ? 1 : 0;
      for (size_t b = 0; b < trials.size(); ++b) {
        if (!in_set[a] || !in_set[b]) continue;
        EXPECT_FALSE(trials[a].cost < trials[b].cost &&
                     trials[a].shift_points < trials[b].shift_points);
      }
    }
    EXPECT_GT(members, 0);
  }
}

}  // namespace
}  // namespace fpcls
