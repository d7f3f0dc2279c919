#include "graph/bf16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace fpcls {
namespace {

/// The bf16s on both sides of a positive number.
std::pair<float, float> neighbours(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  const auto below = static_cast<uint16_t>(bits >> 16);
  return {from_bf16(below), from_bf16(static_cast<uint16_t>(below + 1))};
}

TEST(Bf16, IsTheNearestOfBothNeighbours) {
  Random random(1);
  for (int i = 0; i < 100000; ++i) {
    const auto value = static_cast<float>(std::exp(random.uniform(-80, 80)));
    const auto [below, above] = neighbours(value);
    const double down = double{value} - below, up = double{above} - value;
    const float got = rounded_to_bf16(value);
    if (down < up) {
      EXPECT_EQ(got, below) << value;
    } else if (up < down) {
      EXPECT_EQ(got, above) << value;
    } else {
      EXPECT_EQ(to_bf16(got) % 2, 0) << value;
    }
    EXPECT_EQ(rounded_to_bf16(-value), -got);
    EXPECT_EQ(rounded_to_bf16(got), got);
  }
}

TEST(Bf16, TakesTheEvenOneOfTwo) {
  EXPECT_EQ(rounded_to_bf16(1 + 1.0F / 256), 1);
  EXPECT_EQ(rounded_to_bf16(1 + 3.0F / 256), 1 + 4.0F / 256);
}

TEST(Bf16, KeepsZerosInfinitiesAndNaN) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(to_bf16(0.0F), 0);
  EXPECT_TRUE(std::signbit(rounded_to_bf16(-0.0F)));
  EXPECT_EQ(rounded_to_bf16(-infinity), -infinity);
  EXPECT_EQ(rounded_to_bf16(std::numeric_limits<float>::max()), infinity);
  uint32_t bits = 0x7F800001;  // whose upper half alone is infinity's
  float nan = 0;
  std::memcpy(&nan, &bits, sizeof nan);
  EXPECT_TRUE(std::isnan(rounded_to_bf16(nan)));
}

TEST(Bf16, TensorsComeBackRounded) {
  const Tensor f32 = Tensor::from<float>({2, 2}, {1, 1.001F, -3.14159F, 0});
  const Tensor bf16 = as_bf16(f32);
  EXPECT_EQ(bf16.dtype(), DType::bf16);
  EXPECT_EQ(bf16.shape(), f32.shape());
  EXPECT_EQ(bf16.size_bytes(), 8);
  const Tensor back = as_f32(bf16);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_EQ(back.data<float>()[i], rounded_to_bf16(f32.data<float>()[i]));
  }
  EXPECT_EQ(as_f32(f32).bytes().data(), f32.bytes().data());
}

}  // namespace
}  // namespace fpcls
