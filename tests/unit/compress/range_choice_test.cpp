#include "compress/range_choice.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"

namespace fpcls {
namespace {

Histogram of(const std::vector<float>& values) {
  Histogram h;
  h.add(values.data(), values.size());
  return h;
}

std::vector<float> relu_values(uint64_t seed, int count = 20000) {
  Random random(seed);
  std::vector<float> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(std::max(0.0F, static_cast<float>(random.normal())));
  }
  return values;
}

/// The obvious way: quantize each value.
double slow_sqnr_db(const std::vector<float>& values, const QuantParams& params) {
  double signal = 0, noise = 0;
  for (const float x : values) {
    const double y = dequantize(quantize(x, params), params);
    signal += double{x} * x;
    noise += (x - y) * (x - y);
  }
  return 10 * std::log10(signal / noise);
}

TEST(Sqnr, OfAHistogramIsNearThatOfItsValues) {
  for (const bool symmetric : {false, true}) {
    auto values = relu_values(1);
    if (symmetric) {
      for (size_t i = 0; i < values.size(); i += 2) values[i] = -values[i];
    }
    const Histogram h = of(values);
    for (const double limit : {0.2, 1.0, 2.0, 4.0}) {
      const auto t = static_cast<float>(limit);
      const QuantParams p =
          symmetric ? choose_symmetric_params({-t, t}) : choose_quant_params({0, t});
      EXPECT_NEAR(sqnr_db(h, p), slow_sqnr_db(values, p), 0.5) << limit;
    }
  }
}

TEST(RangeChoice, OfMinmaxIsTheValuesOwnRangeWithZero) {
  const RangeChoice c = choose_range(of({1, 2, 3}), {RangeMethod::minmax});
  EXPECT_EQ(c.range.min, 0);
  EXPECT_EQ(c.range.max, 3);
  const RangeChoice below = choose_range(of({-3, -1}), {RangeMethod::minmax});
  EXPECT_EQ(below.range.min, -3);
  EXPECT_EQ(below.range.max, 0);
}

TEST(RangeChoice, OfPercentileKeepsThatShareOfTheValues) {
  const auto values = relu_values(2);
  RangeOptions options{RangeMethod::percentile};
  options.percentile = 99;
  const RangeChoice c = choose_range(of(values), options);
  int64_t inside = 0;
  for (const float v : values) inside += v <= c.range.max;
  EXPECT_GE(inside, 0.99 * 20000);
  EXPECT_LE(inside, 0.995 * 20000);
}

TEST(RangeChoice, OfOneLoneOutlierIsCutByPercentileAndEntropy) {
  auto values = relu_values(3);
  values.push_back(60);
  const Histogram h = of(values);
  EXPECT_EQ(choose_range(h, {RangeMethod::minmax}).range.max, 60);
  for (const RangeMethod method : {RangeMethod::percentile, RangeMethod::entropy}) {
    const RangeChoice c = choose_range(h, {method});
    EXPECT_LT(c.range.max, 59) << enum_name(method);
    EXPECT_GT(c.range.max, 1.5) << enum_name(method);
  }
}

TEST(RangeChoice, OfFewBitsCutsTheTailForTheLeastSquaredError) {
  RangeOptions options{RangeMethod::mse};
  options.bits = 3;
  const Histogram h = of(relu_values(6));
  EXPECT_LT(choose_range(h, options).range.max, 0.8 * h.max);
}

TEST(RangeChoice, OfAutoIsNeverWorseThanAnyOther) {
  Random random(4);
  for (int i = 0; i < 20; ++i) {
    auto values = relu_values(random.bits(), 3000);
    values.push_back(static_cast<float>(random.uniform(4, 200)));
    if (random.chance(0.5)) values.push_back(-values.back() / 2);
    const Histogram h = of(values);
    RangeOptions options;
    options.symmetric = random.chance(0.5);
    const RangeChoice best = choose_range(h, options);
    EXPECT_NE(best.method, RangeMethod::automatic);
    for (const RangeMethod method : {RangeMethod::minmax, RangeMethod::percentile,
                                     RangeMethod::entropy, RangeMethod::mse}) {
      options.method = method;
      EXPECT_GE(best.sqnr_db, choose_range(h, options).sqnr_db);
    }
  }
}

TEST(RangeChoice, GrowsWithTheValues) {
  auto values = relu_values(5);
  auto larger = values;
  for (float& v : larger) v *= 8;  // a power of two: the same bins
  for (const auto& [method, name] : EnumNames<RangeMethod>::entries) {
    EXPECT_EQ(choose_range(of(larger), {method}).range.max,
              8 * choose_range(of(values), {method}).range.max)
        << name;
  }
}

TEST(RangeChoice, OfALayerThatNeverFiresIsZero) {
  for (const auto& [method, name] : EnumNames<RangeMethod>::entries) {
    const RangeChoice c = choose_range(of({0, 0, 0}), {method});
    EXPECT_EQ(c.range.max, 0) << name;
    EXPECT_EQ(c.params.scale, 1) << name;
    EXPECT_EQ(c.sqnr_db, 200) << name;
  }
}

TEST(RangeChoice, OfAConstantHoldsIt) {
  for (const auto& [method, name] : EnumNames<RangeMethod>::entries) {
    const RangeChoice c = choose_range(of({5, 5}), {method});
    EXPECT_NEAR(dequantize(quantize(5, c.params), c.params), 5, 0.05) << name;
  }
}

TEST(RangeChoice, RefusesNoValuesAndNan) {
  EXPECT_THROW(choose_range(Histogram(), {}), Error);
  EXPECT_THROW(choose_range(of({1, NAN}), {}), Error);
}

}  // namespace
}  // namespace fpcls
