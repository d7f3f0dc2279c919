#include "images/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <vector>

#include "base/random.h"

namespace fpcls {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes gradient(int height, int width) {
  Bytes pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels.push_back(static_cast<uint8_t>(255 * y / height));
      pixels.push_back(static_cast<uint8_t>(255 * x / width));
      pixels.push_back(static_cast<uint8_t>((x * 7 + y * 3) % 256));
    }
  }
  return pixels;
}

Bytes augmented(const Bytes& stored, int stored_side, const AugmentOptions& options, uint64_t seed,
                int height, int width) {
  Bytes result(static_cast<size_t>(height) * width * 3);
  augment(stored.data(), stored_side, stored_side, options, seed, height, width, result.data());
  return result;
}

double mean_difference(const Bytes& a, const Bytes& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

TEST(Augment, ChangesNothingWithoutOptionsAtTheSameSize) {
  const Bytes stored = gradient(32, 32);
  EXPECT_EQ(augmented(stored, 32, AugmentOptions(), 5, 32, 32), stored);
}

TEST(Augment, GivesTheSameBytesForTheSameSeedOnly) {
  const Bytes stored = gradient(72, 72);
  const AugmentOptions options = plan_augmentation();
  std::set<Bytes> distinct;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Bytes once = augmented(stored, 72, options, seed, 64, 64);
    EXPECT_EQ(augmented(stored, 72, options, seed, 64, 64), once);
    distinct.insert(once);
  }
  EXPECT_EQ(distinct.size(), 50U);
}

TEST(Augment, FlipsAndTurnsReachAllEightOrientationsAndKeepThePixels) {
  const Bytes stored = gradient(16, 16);
  AugmentOptions options;
  options.horizontal_flip_probability = 0.5;
  options.vertical_flip_probability = 0.5;
  options.quarter_turn_probability = 0.5;
  Bytes sorted = stored;
  std::sort(sorted.begin(), sorted.end());
  std::set<Bytes> orientations;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Bytes turned = augmented(stored, 16, options, seed, 16, 16);
    orientations.insert(turned);
    std::sort(turned.begin(), turned.end());
    ASSERT_EQ(turned, sorted);
  }
  EXPECT_EQ(orientations.size(), 8U);
}

TEST(Augment, FlipsEachPixelAsAWhole) {
  const Bytes stored = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};  // 2 x 2
  AugmentOptions options;
  options.horizontal_flip_probability = 1;
  EXPECT_EQ(augmented(stored, 2, options, 0, 2, 2), Bytes({4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9}));
  options.horizontal_flip_probability = 0;
  options.vertical_flip_probability = 1;
  EXPECT_EQ(augmented(stored, 2, options, 0, 2, 2), Bytes({7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6}));
  options.vertical_flip_probability = 0;
  options.quarter_turn_probability = 1;
  EXPECT_EQ(augmented(stored, 2, options, 0, 2, 2), Bytes({1, 2, 3, 7, 8, 9, 4, 5, 6, 10, 11, 12}));
}

TEST(Augment, LeavesQuarterTurnsOutWhereThePictureIsNotSquare) {
  const Bytes stored = gradient(16, 16);
  AugmentOptions options;
  const Bytes plain = augmented(stored, 16, options, 1, 16, 12);
  options.quarter_turn_probability = 1;
  EXPECT_EQ(augmented(stored, 16, options, 1, 16, 12), plain);
}

TEST(Augment, CutsOutNoMoreThanTheCropRatioAllows) {
  // Red is the row and green the column: the corners of the result tell what was cut out.
  const Bytes stored = gradient(200, 200);
  AugmentOptions options;
  options.crop_ratio = 0.2;
  bool moved = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Bytes cut = augmented(stored, 200, options, seed, 160, 160);
    const int rows = cut[(159 * 160) * 3] - cut[0];
    const int columns = cut[159 * 3 + 1] - cut[1];
    EXPECT_GE(rows, 255 * 8 / 10 - 4);
    EXPECT_GE(columns, 255 * 8 / 10 - 4);
    moved |= cut[0] > 10;
  }
  EXPECT_TRUE(moved);
}

TEST(Augment, KeepsAFlatGreyFlatUnderEveryChangeButNoise) {
  const Bytes grey(48 * 48 * 3, 128);
  AugmentOptions options = plan_augmentation();
  options.noise_probability = 0;
  options.blur_probability = 1;
  options.channel_gain = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Bytes result = augmented(grey, 48, options, seed, 40, 40);
    const auto [low, high] = std::minmax_element(result.begin(), result.end());
    EXPECT_LE(*high - *low, 2) << seed;
    EXPECT_NEAR(*low, 128, 255 * options.brightness + 3);
  }
}

TEST(Augment, JpegArtefactsAreVisibleButSmall) {
  const Bytes stored = gradient(64, 64);
  AugmentOptions options;
  options.jpeg_probability = 1;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const double difference = mean_difference(augmented(stored, 64, options, seed, 64, 64), stored);
    EXPECT_GT(difference, 0.5);
    EXPECT_LT(difference, 60);
  }
}

TEST(Augment, NoiseHasNoBiasAndAtMostTheStatedSpread) {
  const Bytes grey(64 * 64 * 3, 100);
  AugmentOptions options;
  options.noise_probability = 1;
  options.noise_sigma = 8;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Bytes noisy = augmented(grey, 64, options, seed, 64, 64);
    double sum = 0, squares = 0;
    for (const uint8_t v : noisy) {
      sum += v - 100;
      squares += (v - 100) * (v - 100);
    }
    const auto n = static_cast<double>(noisy.size());
    EXPECT_NEAR(sum / n, 0, 0.4);
    EXPECT_LT(std::sqrt(squares / n), 8.4);
    EXPECT_GT(std::sqrt(squares / n), 1.6);
  }
}

TEST(Augment, WorksOnOnePixel) {
  const Bytes stored = {10, 20, 30};
  for (uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(augmented(stored, 1, plan_augmentation(), seed, 1, 1).size(), 3U);
  }
}

}  // namespace
}  // namespace fpcls
