#include "compress/layer_error.h"

#include <gtest/gtest.h>

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
