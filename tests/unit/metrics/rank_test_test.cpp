#include "metrics/rank_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace fpcls {
namespace {

using Numbers = std::vector<double>;

/// The two-sided p-value by trying all ways of choosing which of the numbers are `a`'s.
double obvious_p(const Numbers& a, const Numbers& b) {
  Numbers all = a;
  all.insert(all.end(), b.begin(), b.end());
  const double middle = static_cast<double>(a.size() * b.size()) / 2;
  const auto distance = [&](const std::vector<bool>& in_a) {
    double u = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      for (size_t j = 0; j < all.size(); ++j) {
        if (in_a[i] && !in_a[j]) u += all[i] > all[j] ? 1 : 0;
      }
    }
    return std::abs(u - middle);
  };
  std::vector<bool> in_a(all.size());
  std::fill_n(in_a.begin(), a.size(), true);
  const double observed = distance(in_a);
  int as_far = 0, ways = 0;
  do {
    ++ways;
    as_far += distance(in_a) >= observed - 1e-9 ? 1 : 0;
  } while (std::prev_permutation(in_a.begin(), in_a.end()));
  return static_cast<double>(as_far) / ways;
}

Numbers random_numbers(Random& random, int count, double shift) {
  Numbers numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(std::exp(random.normal() + shift));
  return numbers;
}

TEST(MannWhitney, EqualsWhatAllArrangementsGive) {
  Random random(1);
  for (int round = 0; round < 60; ++round) {
    const Numbers a = random_numbers(random, static_cast<int>(random.between(1, 6)), 0);
    const Numbers b =
        random_numbers(random, static_cast<int>(random.between(1, 6)), random.uniform(-2, 2));
    const auto test = mann_whitney(a, b);
    ASSERT_TRUE(test->exact);
    EXPECT_NEAR(test->p, obvious_p(a, b), 1e-12);
  }
}

// Figures of SciPy 1.16's mannwhitneyu.
TEST(MannWhitney, GivesSciPysFigures) {
  const auto ten = mann_whitney({1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
                                {3.5, 11, 12, 13, 14, 15, 16, 17, 18, 19});
  EXPECT_EQ(ten->u, 7);
  EXPECT_NEAR(ten->p, 0.0004871289701011063, 1e-15);
  const auto tied = mann_whitney({1, 2, 2, 3}, {2, 3, 4, 4, 5});
  EXPECT_FALSE(tied->exact);
  EXPECT_EQ(tied->u, 2.5);
  EXPECT_NEAR(tied->p, 0.07854585095119067, 1e-12);
  Numbers many_a, many_b;
  for (int i = 0; i < 60; ++i) many_a.push_back(i);
  for (int i = 0; i < 55; ++i) many_b.push_back(i * 1.3 + 0.31);
  const auto many = mann_whitney(many_a, many_b);
  EXPECT_FALSE(many->exact);
  EXPECT_EQ(many->u, 1376);
  EXPECT_NEAR(many->p, 0.1256937790584861, 1e-12);
}

TEST(MannWhitney, IsTheSameWhicheverComesFirst) {
  Random random(2);
  for (int round = 0; round < 20; ++round) {
    const Numbers a = random_numbers(random, 12, 0);
    const Numbers b = random_numbers(random, 9, 0.5);
    EXPECT_DOUBLE_EQ(mann_whitney(a, b)->p, mann_whitney(b, a)->p);
    EXPECT_EQ(mann_whitney(a, b)->u + mann_whitney(b, a)->u, 12 * 9);
  }
}

TEST(MannWhitney, SeesNothingInEqualNumbersAndSaysNothingOfNone) {
  EXPECT_EQ(mann_whitney({5, 5, 5}, {5, 5, 5, 5})->p, 1);
  EXPECT_FALSE(mann_whitney({}, {1}));
  EXPECT_FALSE(mann_whitney({1}, {}));
}

TEST(RatioOf, FindsTheFactorBetweenTwoSets) {
  const Numbers b = {1.0, 1.1, 1.25, 1.3, 1.6, 1.9, 2.2};
  Numbers a;
  for (const double x : b) a.push_back(3 * x);
  const auto estimate = ratio_of(a, b);
  EXPECT_NEAR(estimate->ratio, 3, 1e-12);
  EXPECT_LT(*estimate->low, 3);
  EXPECT_GT(*estimate->high, 3);
}

TEST(RatioOf, ItsIntervalHoldsThoseFactorsThatTheTestAccepts) {
  Random random(3);
  for (int round = 0; round < 20; ++round) {
    const Numbers a = random_numbers(random, 10, 0.2);
    const Numbers b = random_numbers(random, 10, 0);
    const auto estimate = ratio_of(a, b);
    const auto p_of = [&](double factor) {
      Numbers scaled;
      for (const double x : b) scaled.push_back(factor * x);
      return mann_whitney(a, scaled)->p;
    };
    EXPECT_GT(p_of(*estimate->low * 1.0001), 0.05);
    EXPECT_GT(p_of(*estimate->high * 0.9999), 0.05);
    EXPECT_LE(p_of(*estimate->low * 0.9999), 0.05);
    EXPECT_LE(p_of(*estimate->high * 1.0001), 0.05);
  }
}

TEST(RatioOf, HasNoIntervalWhereThereAreTooFew) {
  const auto estimate = ratio_of({2, 2.1, 2.2}, {1, 1.1, 1.2});
  EXPECT_NEAR(estimate->ratio, 2.0 / 1.1 , 0.2);
  EXPECT_FALSE(estimate->low);
  EXPECT_FALSE(ratio_of({}, {1}));
}

}  // namespace
}  // namespace fpcls
