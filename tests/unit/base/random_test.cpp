#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace fpcls {
namespace {

// The standard states this number: the 10,000th output of a default-seeded engine.
TEST(Random, UsesTheStandardEngine) {
  Random random(5489);
  for (int i = 0; i < 9999; ++i) random.bits();
  EXPECT_EQ(random.bits(), 9981545732273789042u);
}

TEST(Random, StaysBelowTheCountAndReachesEveryNumber) {
  Random random(1);
  std::vector<int> seen(7);
  for (int i = 0; i < 1000; ++i) ++seen.at(static_cast<size_t>(random.below(7)));
  EXPECT_GT(*std::min_element(seen.begin(), seen.end()), 90);
}

TEST(Random, ShufflesAPermutation) {
  Random random(3);
  std::vector<int> values(50);
  std::iota(values.begin(), values.end(), 0);
  const std::vector<int> sorted = values;
  random.shuffle(values);
  EXPECT_NE(values, sorted);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, sorted);
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  Random random(11);
  double sum = 0, squares = 0;
  constexpr int kCount = 20000;
  for (int i = 0; i < kCount; ++i) {
    const double value = random.normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.03);
  EXPECT_NEAR(squares / kCount, 1, 0.05);
}

TEST(DeriveSeed, GivesDifferentSeedsForNeighbours) {
  EXPECT_NE(derive_seed(0, 0), derive_seed(0, 1));
  EXPECT_NE(derive_seed(0, 0), derive_seed(1, 0));
}

}  // namespace
}  // namespace fpcls
