#include "metrics/intervals.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "reference/metrics/obvious_metrics.h"

namespace fpcls {
namespace {

TEST(WilsonInterval, EndsWhereTheNormalTestJustAcceptsTheRatio) {
  Random random(2);
  for (int i = 0; i < 300; ++i) {
    const int64_t n = random.between(1, i % 2 == 0 ? 30 : 20000);
    const int64_t successes = random.between(0, n);
    const auto interval = wilson_interval(successes, n);
    ASSERT_TRUE(interval);
    EXPECT_NEAR(interval->low, obvious::wilson_end(successes, n, false), 1e-12);
    EXPECT_NEAR(interval->high, obvious::wilson_end(successes, n, true), 1e-12);
  }
}

TEST(WilsonInterval, HoldsTheRatioAndStaysWithinZeroAndOne) {
  for (int64_t n = 1; n < 60; ++n) {
    for (int64_t k = 0; k <= n; ++k) {
      const auto interval = wilson_interval(k, n);
      const double ratio = static_cast<double>(k) / static_cast<double>(n);
      EXPECT_GE(interval->low, 0);
      EXPECT_LE(interval->low, ratio);
      EXPECT_GE(interval->high, ratio);
      EXPECT_LE(interval->high, 1);
    }
  }
}

TEST(WilsonInterval, IsAbsentWithoutSamples) { EXPECT_FALSE(wilson_interval(0, 0)); }

// Newcombe 1998, table I, method 3.
TEST(WilsonInterval, GivesPublishedFigures) {
  EXPECT_NEAR(wilson_interval(81, 263)->low, 0.2553, 5e-5);
  EXPECT_NEAR(wilson_interval(81, 263)->high, 0.3662, 5e-5);
  EXPECT_NEAR(wilson_interval(0, 20)->high, 0.1611, 5e-5);
  EXPECT_NEAR(wilson_interval(1, 29)->low, 0.0061, 5e-5);
}

TEST(Quantile, InterpolatesLinearly) {
  const std::vector<float> values = {1, 2, 4, 8};
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 0.5), 3);
  EXPECT_DOUBLE_EQ(quantile(values, 0.9), 6.8);
  EXPECT_EQ(quantile(values, 1), 8);
  EXPECT_EQ(quantile({5}, 0.99), 5);
}

TEST(Quantile, NeverLeavesItsNeighboursAndNeverFalls) {
  Random random(4);
  std::vector<float> values(57);
  for (float& value : values) value = static_cast<float>(random.uniform(0, 10));
  std::sort(values.begin(), values.end());
  double before = 0;
  for (int i = 0; i <= 1000; ++i) {
    const double value = quantile(values, i / 1000.0);
    EXPECT_GE(value, before);
    EXPECT_LE(value, values.back());
    before = value;
  }
}

}  // namespace
}  // namespace fpcls
