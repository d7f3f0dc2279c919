#include "images/copy_groups.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/random.h"

namespace fpcls {
namespace {

/// A blotchy picture, others for each seed; `shift` moves it.
Image blotches(uint64_t seed, int shift = 0) {
  constexpr int kSide = 96;
  Image image{kSide, kSide, std::vector<uint8_t>(kSide * kSide * 3, 230)};
  Random random(seed);
  for (int i = 0; i < 14; ++i) {
    const int x0 = 4 + static_cast<int>(random.below(76)), y0 = static_cast<int>(random.below(80));
    const auto value = static_cast<uint8_t>(random.below(200));
    for (int y = y0; y < y0 + 12; ++y) {
      for (int x = x0 + shift; x < x0 + shift + 12; ++x) {
        for (int c = 0; c < 3; ++c) {
          image.pixels[static_cast<size_t>((y * kSide + x) * 3 + c)] = value;
        }
      }
    }
  }
  return image;
}

std::vector<Fingerprint> made_pictures() {
  std::vector<Fingerprint> pictures;
  for (uint64_t i = 0; i < 700; ++i) {
    pictures.push_back(fingerprint(blotches(i % 500, static_cast<int>(i / 500))));
    pictures.back().sha256 = std::to_string(i % 600);
  }
  return pictures;
}

std::vector<int64_t> in_order(size_t count) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

TEST(CopyGroups, AreTheSameForAnyNumberOfWorkers) {
  const std::vector<Fingerprint> pictures = made_pictures();
  const auto order = in_order(pictures.size());
  const auto one = find_copies(pictures, order, nullptr, {}, 1, true);
  const auto four = find_copies(pictures, order, nullptr, {}, 4, true);
  ASSERT_EQ(one.size(), four.size());
  for (size_t i = 0; i < one.size(); ++i) {
    ASSERT_EQ(one[i].has_value(), four[i].has_value()) << i;
    if (!one[i]) continue;
    EXPECT_EQ(one[i]->kept, four[i]->kept) << i;
  }
}

TEST(CopyGroups, AreThoseOfGoingThroughOneByOne) {
  const std::vector<Fingerprint> pictures = made_pictures();
  const auto copies = find_copies(pictures, in_order(pictures.size()), nullptr, {}, 3, true);
  NearCopyIndex kept;
  std::vector<int64_t> rows;
  int64_t found = 0;
  for (size_t i = 0; i < pictures.size(); ++i) {
    const auto match = kept.find(pictures[i]);
    ASSERT_EQ(match.has_value(), copies[i].has_value()) << i;
    if (match) {
      EXPECT_EQ(rows[static_cast<size_t>(match->index)], copies[i]->kept) << i;
      ++found;
    } else {
      kept.add(pictures[i]);
      rows.push_back(static_cast<int64_t>(i));
    }
  }
  EXPECT_GE(found, 190);
}

TEST(CopyGroups, HaveEveryCopyLikeTheOneThatStays) {
  const std::vector<Fingerprint> pictures = made_pictures();
  const auto copies = find_copies(pictures, in_order(pictures.size()), nullptr, {}, 2, true);
  for (size_t i = 0; i < copies.size(); ++i) {
    if (!copies[i]) continue;
    const auto kept = static_cast<size_t>(copies[i]->kept);
    EXPECT_FALSE(copies[kept]) << i;
    EXPECT_TRUE(copies[i]->match.same_file || likeness(pictures[kept], pictures[i]) >= 0.85) << i;
  }
}

TEST(CopyGroups, KeepWhatComesFirstInTheOrder) {
  std::vector<Fingerprint> pictures{fingerprint(blotches(1)), fingerprint(blotches(1))};
  const auto copies = find_copies(pictures, {1, 0}, nullptr, {}, 1, true);
  ASSERT_TRUE(copies[0]);
  EXPECT_EQ(copies[0]->kept, 1);
  EXPECT_FALSE(copies[1]);
}

TEST(CopyGroups, KeepNothingThatAHeldPictureIsLike) {
  NearCopyIndex held;
  held.add(fingerprint(blotches(9)));
  held.add(fingerprint(blotches(1)));
  const auto copies =
      find_copies({fingerprint(blotches(1, 1)), fingerprint(blotches(2))}, {0, 1}, &held, {}, 1, true);
  ASSERT_TRUE(copies[0]);
  EXPECT_TRUE(copies[0]->held);
  EXPECT_EQ(copies[0]->kept, 1);
  EXPECT_FALSE(copies[1]);
}

TEST(CopyGroups, OfNoPicturesAreNone) {
  EXPECT_TRUE(find_copies({}, {}, nullptr, {}, 2, true).empty());
}

}  // namespace
}  // namespace fpcls
