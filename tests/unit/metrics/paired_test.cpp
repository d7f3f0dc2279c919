#include "metrics/paired.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "metrics/binomial.h"
#include "metrics/floor.h"
#include "metrics/holm.h"
#include "metrics/repeated.h"
#include "reference/metrics/obvious_paired.h"

namespace fpcls {
namespace {

TEST(Binomial, TailsAreSumsOfTerms) {
  for (const int64_t n : {0, 1, 7, 40}) {
    for (const double p : {0.0, 0.003, 0.3, 0.5, 0.97, 1.0}) {
      for (int64_t k = -1; k <= n + 1; ++k) {
        double sum = 0;
        for (int64_t i = std::max<int64_t>(k, 0); i <= n; ++i) sum += binomial_pmf(i, n, p);
        EXPECT_NEAR(binomial_upper_tail(k, n, p), sum, 1e-12) << k << " of " << n << " at " << p;
      }
    }
  }
}

TEST(Binomial, ExactBoundsAreWhereTheTailsReachTheRisk) {
  for (const int64_t n : {1, 3, 50, 100000}) {
    for (const int64_t k : {int64_t{0}, n / 3, n}) {
      const Interval interval = exact_interval(k, n, 0.05);
      if (k > 0) { EXPECT_NEAR(binomial_upper_tail(k, n, interval.low), 0.025, 1e-9); }
      if (k < n) { EXPECT_NEAR(binomial_lower_tail(k, n, interval.high), 0.025, 1e-9); }
      EXPECT_EQ(interval.low == 0, k == 0);
      EXPECT_EQ(interval.high == 1, k == n);
    }
  }
  EXPECT_NEAR(exact_upper_bound(0, 1000, 0.05), 1 - std::pow(0.05, 0.001), 1e-12);
}

TEST(Binomial, NormalQuantilesArePublishedOnes) {
  EXPECT_NEAR(normal_upper_quantile(0.025), kNormal95, 1e-12);
  EXPECT_NEAR(normal_upper_quantile(0.05), 1.6448536269514722, 1e-12);
}

TEST(McNemar, IsAFairCoin) {
  EXPECT_EQ(mcnemar_p({10, 0, 0}), 1);
  EXPECT_EQ(mcnemar_p({10, 2, 2}), 1);
  EXPECT_NEAR(mcnemar_p({100, 8, 0}), 2 / 256.0, 1e-15);
  EXPECT_EQ(mcnemar_p({100, 9, 2}), mcnemar_p({100, 2, 9}));
}

TEST(PairedDrop, PValuesAreThoseOfSummingOverAllCounts) {
  Random random(5);
  for (int i = 0; i < 40; ++i) {
    PairedCounts counts;
    counts.n = random.between(1, 25);
    counts.lost = random.between(0, counts.n);
    counts.gained = random.between(0, counts.n - counts.lost);
    const double margin = i % 3 == 0 ? 0.003 : random.uniform(-0.6, 0.6);
    EXPECT_NEAR(p_drop_at_most(counts, margin), obvious::p_drop_at_most(counts, margin), 1e-10)
        << counts.n << ' ' << counts.lost << ' ' << counts.gained << ' ' << margin;
  }
}

/// For each count of gained pictures the least lost ones with which the test fails the drop.
std::vector<int64_t> least_lost(int64_t n, double margin, double risk, int64_t last_gained) {
  std::vector<int64_t> bounds;
  for (int64_t gained = 0; gained <= last_gained; ++gained) {
    int64_t low = 0, high = n - gained + 1;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (p_drop_at_most({n, middle, gained}, margin) <= risk) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    bounds.push_back(low);
  }
  return bounds;
}

TEST(PairedDrop, FailsAtTheMarginWithAtMostTheRiskWhateverIsGained) {
  for (const double margin : {0.0, 0.003, 0.03}) {
    for (const double risk : {0.05, 0.05 / 30}) {
      for (const int64_t n : {7, 60, 400}) {
        const std::vector<int64_t> bounds = least_lost(n, margin, risk, n);
        double largest = 0;
        for (int i = 0; i <= 100; ++i) {
          const double q = (1 - margin) / 2 * i * i / 1e4;  // finer where few are gained
          const double lost = std::min(1.0, (q + margin) / (1 - q));
          double size = 0;
          for (int64_t g = 0; g <= n; ++g) {
            size += binomial_pmf(g, n, q) *
                    binomial_upper_tail(bounds[static_cast<size_t>(g)], n - g, lost);
          }
          largest = std::max(largest, size);
        }
        EXPECT_LE(largest, risk) << n << " pictures, margin " << margin;
        // Not by never failing.
        if (n == 400) { EXPECT_GT(largest, 0.8 * risk) << margin; }
      }
    }
  }
}

TEST(PairedDrop, MorePlacesOfTheNuisanceChangeAPValueLittle) {
  for (const PairedCounts counts : {PairedCounts{40, 3, 1}, {50, 4, 0}, {30, 6, 4}}) {
    const double p = obvious::p_drop_at_most(counts, 0.003);
    const double fine = obvious::p_drop_at_most(counts, 0.003, 301);
    EXPECT_GE(fine, p * 0.9999);  // the finer places needn't hold the coarse ones
    EXPECT_LE(fine, p * 1.01);
  }
}

TEST(PairedDrop, TheIntervalHoldsTheDropAndAgreesWithTheTestAtTheMargin) {
  Random random(6);
  for (int i = 0; i < 60; ++i) {
    PairedCounts counts;
    counts.n = random.between(1, 3000);
    counts.lost = random.between(0, counts.n / 20);
    counts.gained = random.between(0, counts.n / 20);
    const double margin = 0.003, risk = i % 2 == 0 ? 0.05 : 0.001;
    const double low = drop_lower_bound(counts, risk, margin);
    const double high = drop_upper_bound(counts, risk, margin);
    EXPECT_LE(low, counts.drop());
    EXPECT_GE(high, counts.drop());
    EXPECT_EQ(low >= margin, p_drop_at_most(counts, margin) <= risk);
    EXPECT_EQ(high <= margin, p_drop_at_least(counts, margin) <= risk);
  }
}

TEST(PairedDrop, SwappingTheRunsTurnsTheIntervalRound) {
  const PairedCounts counts{500, 20, 6}, swapped{500, 6, 20};
  EXPECT_NEAR(drop_lower_bound(counts, 0.05, 0), -drop_upper_bound(swapped, 0.05, 0), 1e-9);
}

TEST(PairedDrop, WithoutAnyChangeAThousandPicturesAreNeededForThreeTenthsOfAPoint) {
  EXPECT_GT(p_drop_at_least({990, 0, 0}, 0.003), 0.05);
  EXPECT_LE(p_drop_at_least({1000, 0, 0}, 0.003), 0.05);
  EXPECT_EQ(*pictures_needed({100, 0, 0}, 0.003, 0.05), 998);
}

TEST(PairedDrop, NoNumberOfPicturesDecidesADropAtTheMargin) {
  EXPECT_FALSE(pictures_needed({100000, 900, 600}, 0.003, 0.05));
}

TEST(PairedDrop, ThePicturesAskedForDecideMostOfTheTime) {
  const double lost = 0.015, gained = 0.005, margin = 0.003;
  const auto needed = pictures_needed({2000, 30, 10}, margin, 0.05);
  ASSERT_TRUE(needed);
  Random random(8);
  int decided = 0;
  constexpr int kDraws = 200;
  for (int i = 0; i < kDraws; ++i) {
    PairedCounts counts{*needed, 0, 0};
    for (int64_t k = 0; k < *needed; ++k) {
      const double u = random.uniform();
      counts.lost += u < lost ? 1 : 0;
      counts.gained += u >= lost && u < lost + gained ? 1 : 0;
    }
    decided += p_drop_at_most(counts, margin) <= 0.05 ? 1 : 0;
  }
  EXPECT_GT(decided, kDraws * 0.72);
  EXPECT_LT(decided, kDraws * 0.92);
}

TEST(Holm, RejectsExactlyWhereTheAdjustedPValueIsWithinTheRisk) {
  Random random(7);
  for (int i = 0; i < 200; ++i) {
    std::vector<double> p(static_cast<size_t>(random.between(1, 12)));
    for (double& value : p) value = std::pow(random.uniform(), 4);
    const std::vector<double> adjusted = holm_adjusted(p), risks = holm_risks(p, 0.05);
    for (size_t k = 0; k < p.size(); ++k) {
      EXPECT_EQ(adjusted[k] <= 0.05, p[k] <= risks[k]);
      EXPECT_GE(adjusted[k], p[k]);
    }
  }
}

TEST(Holm, GivesPublishedFigures) {
  EXPECT_EQ(holm_adjusted({0.01, 0.04, 0.03}), (std::vector<double>{0.03, 0.06, 0.06}));
}

TEST(Floor, AgreesWithWilsonsBounds) {
  for (const int64_t k : {95, 97, 99}) {
    for (const double floor : {0.9, 0.96, 0.98, 0.999}) {
      const double z = normal_upper_quantile(0.05);
      EXPECT_EQ(p_ratio_at_least(k, 100, floor) <= 0.05, wilson_interval(k, 100, z)->high <= floor);
      EXPECT_EQ(p_ratio_at_most(k, 100, floor) <= 0.05, wilson_interval(k, 100, z)->low >= floor);
    }
  }
}

TEST(RepeatedRuns, RanksAreCountedOverAllOrders) {
  // All 35 ways to choose which 3 of 7 ranks are the first group's.
  for (int u = 0; u <= 12; ++u) {
    int as_large = 0;
    for (int set = 0; set < 128; ++set) {
      int pairs = 0, chosen = 0;
      for (int i = 0; i < 7; ++i) {
        for (int j = 0; j < i; ++j) pairs += (set >> i & 1) != 0 && (set >> j & 1) == 0 ? 1 : 0;
        chosen += set >> i & 1;
      }
      as_large += chosen == 3 && pairs >= u ? 1 : 0;
    }
    EXPECT_NEAR(rank_upper_tail(u, 3, 4), as_large / 35.0, 1e-12) << u;
  }
}

TEST(RepeatedRuns, BoundsAgreeWithTheTest) {
  Random random(9);
  for (int i = 0; i < 200; ++i) {
    Repeats repeats;
    for (int k = 0; k < 5; ++k) {
      repeats.base.push_back(random.uniform(9, 11));
      repeats.candidate.push_back(random.uniform(9, 13));
    }
    for (const double risk : {0.05, 0.025}) {
      const double limit = 0.05;
      EXPECT_EQ(*growth_lower_bound(repeats, risk) > limit,
                p_growth_at_most(repeats, limit) <= risk);
      EXPECT_EQ(*growth_upper_bound(repeats, risk) < limit,
                p_growth_at_least(repeats, limit) <= risk);
    }
  }
}

TEST(RepeatedRuns, AreTooFewForAnAnswerAtASmallRisk) {
  EXPECT_FALSE(growth_lower_bound({{1, 2}, {3, 4}}, 0.05));
  EXPECT_TRUE(growth_lower_bound({{1, 2, 3, 4}, {3, 4, 5, 6}}, 0.05));
}

}  // namespace
}  // namespace fpcls
