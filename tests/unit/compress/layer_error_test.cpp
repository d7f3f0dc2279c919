#include "compress/layer_error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace fpcls {
namespace {

Tensor row(std::vector<float> values) {
  const auto count = static_cast<int64_t>(values.size());
  return Tensor::from({1, count}, std::move(values));
}

TEST(LayerError, IsWhatItsDefinitionSays) {
  LayerError error;
  error.add(row({3, -4, 0}), row({3, -5, 1}));
  EXPECT_EQ(error.count(), 3);
  EXPECT_EQ(error.max(), 1);
  EXPECT_DOUBLE_EQ(error.mean(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(*error.relative(), 0.25);
  EXPECT_DOUBLE_EQ(*error.sqnr_db(), 10 * std::log10(25.0 / 2));
  EXPECT_DOUBLE_EQ(*error.cosine(), 29 / std::sqrt(25.0 * 35));
}

TEST(LayerError, DoesNotDependOnHowTheNumbersAreDividedIntoBatches) {
  Random random(1);
  std::vector<float> a, b;
  LayerError parts;
  for (int i = 0; i < 100; ++i) {
    a.push_back(static_cast<float>(random.normal()));
    b.push_back(a.back() + static_cast<float>(0.01 * random.normal()));
    parts.add(row({a.back()}), row({b.back()}));
  }
  LayerError whole;
  whole.add(row(a), row(b));
  EXPECT_EQ(whole.max(), parts.max());
  EXPECT_DOUBLE_EQ(whole.mean(), parts.mean());
  EXPECT_DOUBLE_EQ(*whole.sqnr_db(), *parts.sqnr_db());
  EXPECT_DOUBLE_EQ(*whole.cosine(), *parts.cosine());
}

TEST(LayerError, OfManyNumbersIsWhatALoopOverThemGives) {
  Random random(2);
  constexpr size_t kCount = 3 * 1024 + 100;  // whole blocks and a rest
  std::vector<float> a(kCount), b(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    a[i] = static_cast<float>(random.normal());
    b[i] = a[i] + static_cast<float>(0.01 * random.normal());
  }
  a[1500] = std::numeric_limits<float>::infinity();  // in the second block
  b[1500] = 1;
  double most = 0, sum = 0, largest = 0, noise = 0, signal = 0, other = 0, product = 0;
  for (size_t i = 0; i < kCount; ++i) {
    if (i == 1500) continue;
    const double x = double{a[i]}, y = double{b[i]}, difference = std::abs(y - x);
    most = std::max(most, difference);
    largest = std::max(largest, std::abs(x));
    sum += difference;
    noise += difference * difference;
    signal += x * x;
    other += y * y;
    product += x * y;
  }
  LayerError error;
  error.add(row(a), row(b));
  EXPECT_EQ(error.count(), static_cast<int64_t>(kCount - 1));
  EXPECT_EQ(error.non_finite(), 1);
  EXPECT_EQ(error.max(), most);
  EXPECT_EQ(*error.relative(), most / largest);
  EXPECT_NEAR(error.mean(), sum / (kCount - 1), 1e-14);
  EXPECT_NEAR(*error.sqnr_db(), 10 * std::log10(signal / noise), 1e-10);
  EXPECT_NEAR(*error.cosine(), product / std::sqrt(signal * other), 1e-12);
}

TEST(LayerError, OfEqualResultsHasNoRatioOfNoise) {
  LayerError error;
  error.add(row({1, 2}), row({1, 2}));
  EXPECT_FALSE(error.sqnr_db());
  EXPECT_DOUBLE_EQ(*error.cosine(), 1);
  EXPECT_EQ(*error.relative(), 0);
  EXPECT_FALSE(error.diverges(0));
}

TEST(LayerError, NoiseWithoutSignalDiverges) {
  LayerError error;
  error.add(row({0, 0}), row({0, 1e-20F}));
  EXPECT_FALSE(error.sqnr_db());
  EXPECT_FALSE(error.relative());
  EXPECT_FALSE(error.cosine());
  EXPECT_TRUE(error.diverges(0.5));
}

TEST(LayerError, CountsWhatIsNoNumberApart) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  LayerError error;
  error.add(row({1, nan, infinity, 2, infinity}), row({1, nan, infinity, nan, -infinity}));
  EXPECT_EQ(error.count(), 1);
  EXPECT_EQ(error.non_finite(), 2);
  EXPECT_EQ(error.max(), 0);
  EXPECT_TRUE(error.diverges(1));
}

}  // namespace
}  // namespace fpcls
