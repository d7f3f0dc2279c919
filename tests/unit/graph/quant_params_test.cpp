#include "graph/quant_params.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/random.h"

namespace fpcls {
namespace {

/// Ranges of all magnitudes, on one side of zero or both.
ValueRange some_range(Random& random) {
  const auto magnitude = static_cast<float>(std::pow(10.0, random.uniform(-20, 20)));
  const auto a = static_cast<float>(random.uniform(-1, 1)) * magnitude;
  const auto b = static_cast<float>(random.uniform(-1, 1)) * magnitude;
  return {std::min(a, b), std::max(a, b)};
}

/// Float32 arithmetic adds a little to the half step that rounding costs.
double half_step(const QuantParams& params) { return params.scale * 0.50005; }

TEST(QuantParams, BringBackWhatLiesInTheRangeWithinHalfAStep) {
  Random random(1);
  for (int i = 0; i < 3000; ++i) {
    const ValueRange range = some_range(random);
    const int bits = static_cast<int>(random.between(2, 8));
    for (const QuantParams& p :
         {choose_quant_params(range, bits), choose_symmetric_params(range, bits)}) {
      const auto x = static_cast<float>(random.uniform(range.min, range.max));
      EXPECT_NEAR(dequantize(quantize(x, p), p), x, half_step(p)) << range.min << " " << range.max;
      EXPECT_NEAR(dequantize(quantize(range.min, p), p), range.min, half_step(p));
      EXPECT_NEAR(dequantize(quantize(range.max, p), p), range.max, half_step(p));
    }
  }
}

TEST(QuantParams, KeepZeroAndEveryRepresentableNumberExact) {
  Random random(2);
  for (int i = 0; i < 300; ++i) {
    const ValueRange range = some_range(random);
    for (const QuantParams& p : {choose_quant_params(range), choose_symmetric_params(range)}) {
      EXPECT_EQ(quantize(0, p), p.zero_point);
      for (int q = p.lowest; q <= p.highest; ++q) EXPECT_EQ(quantize(dequantize(q, p), p), q);
    }
  }
}

TEST(QuantParams, NeverReverseTheOrderOfTwoNumbers) {
  Random random(3);
  for (int i = 0; i < 3000; ++i) {
    const QuantParams p = choose_quant_params(some_range(random));
    const double reach = 200 * p.scale;
    const auto a = static_cast<float>(random.uniform(-reach, reach));
    const auto b = static_cast<float>(random.uniform(-reach, reach));
    EXPECT_LE(quantize(std::min(a, b), p), quantize(std::max(a, b), p));
  }
}

TEST(QuantParams, CutWhatLiesOutsideAndTakeNanForZero) {
  const QuantParams p = choose_quant_params({-1, 3});
  EXPECT_EQ(quantize(100, p), 255);
  EXPECT_EQ(quantize(-100, p), 0);
  EXPECT_EQ(quantize(std::numeric_limits<float>::infinity(), p), 255);
  EXPECT_EQ(quantize(-std::numeric_limits<float>::infinity(), p), 0);
  EXPECT_EQ(quantize(std::numeric_limits<float>::quiet_NaN(), p), p.zero_point);
}

TEST(QuantParams, WidenARangeOnOneSideOfZeroToHoldZero) {
  const QuantParams above = choose_quant_params({2, 255});
  EXPECT_EQ(above.scale, 1);
  EXPECT_EQ(above.zero_point, 0);
  const QuantParams below = choose_quant_params({-255, -2});
  EXPECT_EQ(below.scale, 1);
  EXPECT_EQ(below.zero_point, 255);
}

TEST(QuantParams, RoundHalvesToEven) {
  const QuantParams p{1, 0, -127, 127};
  EXPECT_EQ(quantize(0.5F, p), 0);
  EXPECT_EQ(quantize(1.5F, p), 2);
  EXPECT_EQ(quantize(2.5F, p), 2);
  EXPECT_EQ(quantize(-1.5F, p), -2);
}

TEST(QuantParams, OfNothingButZerosHaveScaleOne) {
  EXPECT_EQ(choose_quant_params({0, 0}), (QuantParams{1, 0, 0, 255}));
  EXPECT_EQ(choose_symmetric_params({0, 0}), (QuantParams{1, 0, -127, 127}));
}

TEST(QuantParams, SayWhetherTheyAreSigned) {
  EXPECT_EQ(choose_quant_params({0, 1}).dtype(), DType::u8);
  EXPECT_EQ(choose_symmetric_params({0, 1}).dtype(), DType::i8);
}

TEST(QuantParams, OfAVanishingRangeStayUsable) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const QuantParams p = choose_quant_params({0, tiny});
  EXPECT_TRUE(std::isfinite(1 / p.scale));
  EXPECT_EQ(quantize(1, p), 255);
}

TEST(QuantParams, OfTheWidestRangeStayFinite) {
  const float huge = std::numeric_limits<float>::max();
  const QuantParams p = choose_quant_params({-huge, huge});
  EXPECT_TRUE(std::isfinite(p.scale));
  EXPECT_EQ(quantize(huge, p), 255);
}

TEST(QuantParams, RefuseARangeThatIsNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(choose_quant_params({0, nan}), Error);
  EXPECT_THROW(choose_quant_params({0, std::numeric_limits<float>::infinity()}), Error);
  EXPECT_THROW(choose_quant_params({1, 0}), Error);
  EXPECT_THROW(choose_symmetric_params({nan, 0}), Error);
  EXPECT_THROW(choose_quant_params({0, 1}, 1), Error);
  EXPECT_THROW(choose_quant_params({0, 1}, 9), Error);
}

TEST(QuantizedWeights, AreWithinHalfAStepAndReachTheLargestIntegerInEachChannel) {
  Random random(4);
  std::vector<float> values;
  for (int c = 0; c < 7; ++c) {
    const double magnitude = std::pow(10.0, random.uniform(-6, 6));
    for (int i = 0; i < 18; ++i) {
      values.push_back(static_cast<float>(random.uniform(-magnitude, magnitude)));
    }
  }
  const Tensor weight = Tensor::from<float>({7, 2, 3, 3}, values);
  for (const int highest : {127, 63}) {
    const std::vector<float> scales = choose_weight_scales(weight, highest);
    const Tensor integers = quantize_weight(weight, scales, highest);
    const Tensor back = dequantize_weight(integers, scales);
    ASSERT_EQ(back.shape(), weight.shape());
    for (int c = 0; c < 7; ++c) {
      int largest = 0;
      for (int i = c * 18; i < (c + 1) * 18; ++i) {
        EXPECT_NEAR(back.data<float>()[i], values[static_cast<size_t>(i)],
                    scales[static_cast<size_t>(c)] * 0.50005);
        largest = std::max(largest, std::abs(int{integers.data<int8_t>()[i]}));
      }
      EXPECT_EQ(largest, highest);
    }
  }
}

TEST(QuantizedWeights, OfADeadChannelAreZerosOfScaleOne) {
  const Tensor weight = Tensor::from<float>({2, 2}, {0, 0, 1, -2});
  const std::vector<float> scales = choose_weight_scales(weight);
  EXPECT_EQ(scales[0], 1);
  EXPECT_EQ(scales[1], 2.0F / 127);
  EXPECT_EQ(quantize_weight(weight, scales).data<int8_t>()[0], 0);
}

TEST(QuantizedWeights, RefuseNumbersThatAreNotFinite) {
  EXPECT_THROW(choose_weight_scales(Tensor::from<float>({1, 1}, {INFINITY})), Error);
  EXPECT_THROW(choose_weight_scales(Tensor::from<int32_t>({1, 1}, {1})), Error);
}

}  // namespace
}  // namespace fpcls
