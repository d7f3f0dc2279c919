#include "engine/arena.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace fpcls {
namespace {

std::vector<Lifetime> random_lifetimes(Random& random) {
  std::vector<Lifetime> lifetimes(static_cast<size_t>(random.between(1, 60)));
  for (Lifetime& life : lifetimes) {
    life.bytes = random.chance(0.1) ? 0 : random.between(1, 5000);
    life.first = static_cast<int>(random.between(0, 40));
    life.last = life.first + static_cast<int>(random.between(0, random.chance(0.2) ? 40 : 4));
  }
  return lifetimes;
}

bool alive_together(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

/// Bytes that are alive at the worst moment: no layout can do with less.
int64_t lower_bound(const std::vector<Lifetime>& lifetimes) {
  int64_t most = 0;
  for (int time = 0; time <= 80; ++time) {
    int64_t alive = 0;
    for (const Lifetime& life : lifetimes) {
      if (life.first <= time && time <= life.last) alive += life.bytes;
    }
    most = std::max(most, alive);
  }
  return most;
}

TEST(Arena, NeverGivesTwoThatAreAliveTogetherTheSameBytes) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const std::vector<Lifetime> lifetimes = random_lifetimes(random);
    const ArenaLayout layout = lay_out(lifetimes);
    ASSERT_EQ(layout.offsets.size(), lifetimes.size());
    for (size_t i = 0; i < lifetimes.size(); ++i) {
      EXPECT_EQ(layout.offsets[i] % kArenaAlignment, 0);
      EXPECT_LE(layout.offsets[i] + lifetimes[i].bytes, layout.bytes);
      for (size_t j = 0; j < i; ++j) {
        if (!alive_together(lifetimes[i], lifetimes[j])) continue;
        const bool apart = layout.offsets[i] + lifetimes[i].bytes <= layout.offsets[j] ||
                           layout.offsets[j] + lifetimes[j].bytes <= layout.offsets[i];
        EXPECT_TRUE(apart || lifetimes[i].bytes == 0 || lifetimes[j].bytes == 0) << seed;
      }
    }
    EXPECT_GE(layout.bytes, lower_bound(lifetimes));
  }
}

TEST(Arena, UsesMemoryAgain) {
  // A chain: each result lives until the next one is there.
  std::vector<Lifetime> chain;
  for (int i = 0; i < 50; ++i) chain.push_back({64 * 100, i, i + 1});
  EXPECT_EQ(lay_out(chain).bytes, 2 * 64 * 100);
}

TEST(Arena, NeedsNothingForNothing) { EXPECT_EQ(lay_out({}).bytes, 0); }

}  // namespace
}  // namespace fpcls
