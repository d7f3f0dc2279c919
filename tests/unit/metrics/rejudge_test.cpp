#include "metrics/rejudge.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "base/error.h"
#include "error_of.h"
#include "reference/metrics/made_predictions.h"

namespace fpcls {
namespace {

using ::testing::HasSubstr;

TEST(Rejudge, WithTheSameThresholdsChangesNothing) {
  for (const bool all_stages : {false, true}) {
    RunInfo run = made::run(false, all_stages);
    Rejudger rejudger(run);
    for (const Prediction& before : made::predictions(run, 400, 3)) {
      Prediction after = before;
      EXPECT_TRUE(rejudger.apply(after));
      EXPECT_EQ(after.predicted, before.predicted);
      EXPECT_EQ(after.stage, before.stage);
    }
    EXPECT_NO_THROW(rejudger.finish());
  }
}

TEST(Rejudge, OfAllStagesIsTheRunWithThoseThresholds) {
  RunInfo run = made::run();
  const RunInfo other = with_accept(run, {{"wireframe", 0.9}, {"white", 0.55}});
  RunInfo direct = other;
  const auto before = made::predictions(run, 400, 3);
  const auto expected = made::predictions(direct, 400, 3);
  Rejudger rejudger(other);
  int changed = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    Prediction p = before[i];
    ASSERT_TRUE(rejudger.apply(p));
    EXPECT_EQ(p.predicted, expected[i].predicted);
    EXPECT_EQ(p.stage, expected[i].stage);
    changed += p.predicted != before[i].predicted ? 1 : 0;
  }
  EXPECT_GT(changed, 20);
}

TEST(Rejudge, RefusesToAnswerWhereEarlyExitHidAScore) {
  RunInfo run = made::run(false, false);
  const auto predictions = made::predictions(run, 400, 3);
  Rejudger stricter(with_accept(run, {{"wireframe", 0.9}}));
  for (Prediction p : predictions) stricter.apply(p);
  EXPECT_GT(stricter.missing(), 0);
  EXPECT_THAT(error_of([&] { stricter.finish(); }), HasSubstr("--all-stages"));
  EXPECT_THAT(error_of([&] { stricter.finish(); }), HasSubstr("at stage 'photo'"));
  Rejudger looser(with_accept(run, {{"wireframe", 0.3}}));
  for (Prediction p : predictions) EXPECT_TRUE(looser.apply(p));
  EXPECT_NO_THROW(looser.finish());
}

TEST(Rejudge, RefusesUnknownStagesAndThresholdsOutOfRange) {
  const RunInfo run = made::run();
  EXPECT_THAT(error_of([&] {
                with_accept(run, {{"wireframes", 0.5}});
              }),
              HasSubstr("did you mean 'wireframe'"));
  EXPECT_THAT(error_of([&] { with_accept(run, {{"photo", 1.5}}); }), HasSubstr("expected 0 to 1"));
  EXPECT_THAT(error_of([&] {
                with_accept(run, {{"photo", std::nan("")}});
              }),
              HasSubstr("expected 0 to 1"));
}

}  // namespace
}  // namespace fpcls
