#include "images/preprocess.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "images/resample.h"
#include "reference/images/resample_reference.h"

namespace fpcls {
namespace {

Image noise(int width, int height, uint64_t seed) {
  Random random(seed);
  Image image;
  image.width = width;
  image.height = height;
  image.pixels.resize(static_cast<size_t>(3 * width * height));
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(random.below(256));
  return image;
}

Preprocessing crop(int size, int resize) {
  Preprocessing p;
  p.width = p.height = size;
  p.resize = resize;
  return p;
}

Preprocessing stretch(int width, int height) {
  Preprocessing p;
  p.fit = Fit::stretch;
  p.width = width;
  p.height = height;
  return p;
}

std::vector<uint8_t> run(const Image& image, const Preprocessing& p) {
  std::vector<uint8_t> pixels(static_cast<size_t>(3 * p.width * p.height), 77);
  preprocess(image, p, pixels.data());
  return pixels;
}

void expect_near_reference(const Image& image, const Preprocessing& p) {
  SCOPED_TRACE(testing::Message() << image.width << "x" << image.height << " to " << p.width << "x"
                                  << p.height << " " << enum_name(p.fit) << " " << p.resize);
  const std::vector<uint8_t> fast = run(image, p);
  const std::vector<double> slow = preprocess_slowly(image, p);
  ASSERT_EQ(fast.size(), slow.size());
  double worst = 0;
  for (size_t i = 0; i < slow.size(); ++i) worst = std::max(worst, std::abs(fast[i] - slow[i]));
  // Rounding to 8 bits after each of the two passes.
  EXPECT_LT(worst, 1.01);
}

TEST(Preprocess, EqualsTheSlowReferenceOnAnySize) {
  Random random(1);
  for (int i = 0; i < 60; ++i) {
    const Image image = noise(static_cast<int>(random.between(1, 70)),
                              static_cast<int>(random.between(1, 70)), static_cast<uint64_t>(i));
    if (random.chance(0.5)) {
      expect_near_reference(image, stretch(static_cast<int>(random.between(1, 40)),
                                           static_cast<int>(random.between(1, 40))));
    } else {
      const int size = static_cast<int>(random.between(1, 24));
      expect_near_reference(image, crop(size, static_cast<int>(random.between(size, 30))));
    }
  }
}

TEST(Preprocess, PadsWithBlackWhereTheCropIsLargerThanTheResizedPicture) {
  expect_near_reference(noise(9, 14, 3), crop(20, 7));
  expect_near_reference(noise(30, 14, 3), crop(19, 8));
}

TEST(Preprocess, LeavesAPictureOfTheRightSizeAsItIs) {
  const Image image = noise(33, 21, 4);
  EXPECT_EQ(run(image, stretch(33, 21)), image.pixels);
}

TEST(Preprocess, KeepsAPlainColour) {
  Image image = noise(123, 57, 5);
  std::fill(image.pixels.begin(), image.pixels.end(), uint8_t{201});
  const std::vector<uint8_t> pixels = run(image, stretch(40, 40));
  EXPECT_TRUE(std::all_of(pixels.begin(), pixels.end(), [](uint8_t v) { return v == 201; }));
}

TEST(Preprocess, TakesOnePixelAndVeryLongPictures) {
  const Image dot = noise(1, 1, 6);
  const std::vector<uint8_t> pixels = run(dot, crop(224, 256));
  for (size_t i = 0; i < pixels.size(); ++i) ASSERT_EQ(pixels[i], dot.pixels[i % 3]);
  run(noise(20000, 10, 7), crop(224, 256));
  run(noise(10, 20000, 7), crop(224, 256));
  run(noise(1, 200000, 7), stretch(16, 16));
  expect_near_reference(noise(2000, 3, 8), crop(6, 8));
}

TEST(Preprocess, RoundsTheCropsOffsetToEven) {
  // 4 x 7 resized to a short side of 4, cropped to 4: (7 - 4) / 2 = 1.5 becomes row 2.
  const Image image = noise(4, 7, 9);
  const std::vector<uint8_t> expected(image.pixels.begin() + 2 * 12, image.pixels.begin() + 6 * 12);
  EXPECT_EQ(run(image, crop(4, 4)), expected);
}

TEST(Resample, GivesTheSameBytesWithEveryKernel) {
  Random random(2);
  for (int i = 0; i < 200; ++i) {
    const Image image = noise(static_cast<int>(random.between(1, 300)),
                              static_cast<int>(random.between(1, 90)), static_cast<uint64_t>(i));
    const int width = static_cast<int>(random.between(1, 60));
    const int height = static_cast<int>(random.between(1, 60));
    const AxisWindow x{width, 0, width}, y{height, 0, height};
    std::vector<uint8_t> a(static_cast<size_t>(3 * width * height)), b(a.size());
    resample(image, x, y, a.data(), 3 * width, best_kernels());
    resample(image, x, y, b.data(), 3 * width, portable_kernels());
    ASSERT_EQ(a, b) << image.width << "x" << image.height << " to " << width << "x" << height;
  }
}

TEST(Resample, OfAWindowIsThatPartOfTheWhole) {
  const Image image = noise(91, 64, 10);
  std::vector<uint8_t> whole(3 * 40 * 30), part(3 * 11 * 9);
  resample(image, {40, 0, 40}, {30, 0, 30}, whole.data(), 120, best_kernels());
  resample(image, {40, 17, 11}, {30, 21, 9}, part.data(), 33, best_kernels());
  for (int y = 0; y < 9; ++y) {
    for (int i = 0; i < 33; ++i) ASSERT_EQ(part[33 * y + i], whole[120 * (y + 21) + 51 + i]);
  }
}

TEST(AxisWeights, SumToOne) {
  for (const int input : {1, 2, 7, 100, 12345}) {
    for (const int output : {1, 3, 100, 224}) {
      const AxisWeights axis = axis_weights(input, {output, 0, output});
      for (int o = 0; o < output; ++o) {
        int64_t sum = 0;
        for (int tap = 0; tap < axis.taps; ++tap) sum += axis.weights[o * axis.taps + tap];
        EXPECT_NEAR(sum, 1 << 22, axis.taps) << input << " to " << output;
        EXPECT_LE(axis.first[o] + axis.count[o], input);
      }
    }
  }
}

}  // namespace
}  // namespace fpcls
