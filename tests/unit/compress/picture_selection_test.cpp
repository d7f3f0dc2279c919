#include "compress/picture_selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/random.h"

namespace fpcls {
namespace {

struct Pool {
  FeatureTable features;
  std::vector<std::string> groups;
  std::vector<std::string> names;
  std::vector<float> extremes;  // three layers
};

Pool some_pool(uint64_t seed, int count, int clusters = 5) {
  Random random(seed);
  Pool pool;
  pool.features.dimensions = 4;
  std::vector<double> centers;
  for (int i = 0; i < clusters * 4; ++i) centers.push_back(random.uniform(-2, 2));
  for (int i = 0; i < count; ++i) {
    // Most pictures are of the first kind.
    const auto kind = static_cast<size_t>(random.chance(0.8) ? 0 : random.below(clusters));
    for (size_t d = 0; d < 4; ++d) {
      pool.features.values.push_back(
          static_cast<float>(centers[kind * 4 + d] + 0.5 * random.normal()));
    }
    pool.groups.push_back(random.chance(0.3) ? "a" : "b");
    pool.names.push_back(std::to_string(random.bits()));
    for (int layer = 0; layer < 3; ++layer) {
      pool.extremes.push_back(static_cast<float>(random.uniform(0, 10)));
    }
  }
  return pool;
}

Selection select(const Pool& pool, const SelectionOptions& options) {
  return select_pictures(pool.features, pool.groups, pool.names, pool.extremes, options);
}

SelectionOptions options_of(SelectionStrategy strategy, int64_t count) {
  SelectionOptions options;
  options.strategy = strategy;
  options.count = count;
  return options;
}

Pool reordered(const Pool& pool, const std::vector<int64_t>& order) {
  Pool other;
  other.features.dimensions = pool.features.dimensions;
  for (const int64_t row : order) {
    const auto at = static_cast<size_t>(row);
    other.features.values.insert(other.features.values.end(), pool.features.row(row),
                                 pool.features.row(row) + 4);
    other.groups.push_back(pool.groups[at]);
    other.names.push_back(pool.names[at]);
    for (size_t l = 0; l < 3; ++l) other.extremes.push_back(pool.extremes[at * 3 + l]);
  }
  return other;
}

std::set<std::string> names_of(const Pool& pool, const Selection& selection) {
  std::set<std::string> names;
  for (const int64_t row : selection.chosen) names.insert(pool.names[static_cast<size_t>(row)]);
  return names;
}

std::vector<int64_t> all_rows(const Pool& pool) {
  std::vector<int64_t> rows(pool.names.size());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TEST(SelectPictures, TakesAsManyAsAskedEachOnceWhateverTheirOrder) {
  Random random(1);
  for (const auto& [strategy, name] : EnumNames<SelectionStrategy>::entries) {
    for (int i = 0; i < 10; ++i) {
      const Pool pool = some_pool(random.bits(), 120);
      const Selection selection = select(pool, options_of(strategy, 30));
      const std::set<std::string> names = names_of(pool, selection);
      EXPECT_EQ(names.size(), 30U) << name;
      auto order = all_rows(pool);
      random.shuffle(order);
      const Pool other = reordered(pool, order);
      EXPECT_EQ(names_of(other, select(other, options_of(strategy, 30))), names) << name;
    }
  }
}

TEST(SelectPictures, TakesAllOfAPoolThatIsTooSmall) {
  for (const auto& [strategy, name] : EnumNames<SelectionStrategy>::entries) {
    const Pool pool = some_pool(2, 8);
    EXPECT_EQ(select(pool, options_of(strategy, 30)).chosen, all_rows(pool)) << name;
  }
}

TEST(SelectPictures, GivesEveryGroupItsShare) {
  const Pool pool = some_pool(3, 400);
  for (const auto& [strategy, name] : EnumNames<SelectionStrategy>::entries) {
    const Selection selection = select(pool, options_of(strategy, 100));
    const auto in_a = std::count_if(
        selection.chosen.begin(), selection.chosen.end(),
        [&](int64_t row) { return pool.groups[static_cast<size_t>(row)] == "a"; });
    EXPECT_NEAR(static_cast<double>(in_a), 30, 10) << name;
  }
}

TEST(SelectPictures, CoversBetterThanChanceAndRangesToo) {
  for (uint64_t seed = 10; seed < 20; ++seed) {
    const Pool pool = some_pool(seed, 300);
    const auto coverage = [&](const SelectionOptions& options) {
      return coverage_of(pool.features, pool.extremes, all_rows(pool),
                         select(pool, options).chosen);
    };
    SelectionOptions cover = options_of(SelectionStrategy::cover, 40);
    cover.foreign_multiple = 0;
    const Coverage chosen = coverage(cover);
    const Coverage random = coverage(options_of(SelectionStrategy::random, 40));
    EXPECT_LT(chosen.max_distance, random.max_distance);
    EXPECT_EQ(chosen.range_ratio, 1) << "three layers' largest pictures are among forty";
    EXPECT_LE(random.range_ratio, 1);
  }
}

TEST(SelectPictures, MedoidsAreNearerOnAverage) {
  for (uint64_t seed = 20; seed < 30; ++seed) {
    const Pool pool = some_pool(seed, 300);
    const auto coverage = [&](SelectionStrategy strategy) {
      SelectionOptions options = options_of(strategy, 40);
      options.foreign_multiple = 0;
      options.range_ratio = 0;
      return coverage_of(pool.features, pool.extremes, all_rows(pool),
                         select(pool, options).chosen);
    };
    const Coverage cover = coverage(SelectionStrategy::cover);
    const Coverage medoids = coverage(SelectionStrategy::medoids);
    EXPECT_LT(medoids.mean_distance, cover.mean_distance);
    EXPECT_LT(medoids.mean_distance, coverage(SelectionStrategy::random).mean_distance);
  }
}

TEST(SelectPictures, TakesCountedOnesOfPicturesThatAreAllAlike) {
  Pool pool = some_pool(9, 60);
  std::fill(pool.features.values.begin(), pool.features.values.end(), 1.0F);
  for (const auto& [strategy, name] : EnumNames<SelectionStrategy>::entries) {
    EXPECT_EQ(names_of(pool, select(pool, options_of(strategy, 25))).size(), 25U) << name;
  }
}

TEST(SelectPictures, OfSimilarOnesStayNearTheMiddle) {
  const Pool pool = some_pool(4, 300);
  const auto spread = [&](SelectionStrategy strategy) {
    const Selection selection = select(pool, options_of(strategy, 40));
    double sum = 0;
    for (const int64_t a : selection.chosen) {
      for (const int64_t b : selection.chosen) sum += squared_distance(pool.features, a, b);
    }
    return sum;
  };
  EXPECT_LT(spread(SelectionStrategy::similar), 0.5 * spread(SelectionStrategy::random));
}

TEST(SelectPictures, LeavesOutWhatLiesFarFromEverything) {
  Pool pool = some_pool(5, 200, 1);
  std::vector<int64_t> foreign;
  for (const int64_t row : {7, 50}) {
    for (size_t d = 0; d < 4; ++d) {
      pool.features.values[static_cast<size_t>(row) * 4 + d] += row == 7 ? 40.0F : -60.0F;
    }
    foreign.push_back(row);
  }
  const Selection selection = select(pool, options_of(SelectionStrategy::cover, 50));
  EXPECT_EQ(selection.foreign, foreign);
  for (const int64_t row : foreign) {
    EXPECT_EQ(std::count(selection.chosen.begin(), selection.chosen.end(), row), 0);
  }
}

TEST(SelectPictures, ByChanceDependsOnTheSeedOnlyThere) {
  const Pool pool = some_pool(6, 100);
  for (const auto& [strategy, name] : EnumNames<SelectionStrategy>::entries) {
    SelectionOptions options = options_of(strategy, 20);
    const auto first = select(pool, options).chosen;
    EXPECT_EQ(select(pool, options).chosen, first);
    options.seed = 1;
    EXPECT_EQ(select(pool, options).chosen == first, strategy != SelectionStrategy::random);
  }
}

TEST(Coverage, OfAllPicturesIsPerfect) {
  const Pool pool = some_pool(7, 50);
  const Coverage c =
      coverage_of(pool.features, pool.extremes, all_rows(pool), all_rows(pool));
  EXPECT_EQ(c.mean_distance, 0);
  EXPECT_EQ(c.max_distance, 0);
  EXPECT_EQ(c.range_ratio, 1);
}

TEST(ProportionalShares, AddUpAndKeepToTheSizes) {
  Random random(8);
  for (int i = 0; i < 300; ++i) {
    std::vector<int64_t> sizes;
    int64_t all = 0;
    for (int64_t n = random.between(1, 8); n > 0; --n) {
      sizes.push_back(random.between(1, 50));
      all += sizes.back();
    }
    const int64_t count = random.between(0, all + 10);
    const auto shares = proportional_shares(sizes, count);
    EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), int64_t{0}), std::min(count, all));
    for (size_t g = 0; g < sizes.size(); ++g) {
      EXPECT_LE(shares[g], sizes[g]);
      EXPECT_TRUE(shares[g] >= 1 || count < static_cast<int64_t>(sizes.size()));
    }
  }
}

}  // namespace
}  // namespace fpcls
