#include "base/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"

namespace fpcls {
namespace {

std::vector<float> some_values(Random& random, size_t count) {
  const double low = random.chance(0.5) ? 0 : -1;
  std::vector<float> values;
  for (size_t i = 0; i < count; ++i) {
    const double magnitude = std::pow(10.0, random.uniform(-12, 6));
    values.push_back(random.chance(0.2) ? 0
                                        : static_cast<float>(random.uniform(low, 1) * magnitude));
  }
  return values;
}

Histogram of(const std::vector<float>& values) {
  Histogram h;
  h.add(values.data(), values.size());
  return h;
}

/// The obvious way: look at all numbers before choosing bins.
Histogram slow(const std::vector<float>& values) {
  Histogram h;
  h.min = *std::min_element(values.begin(), values.end());
  h.max = *std::max_element(values.begin(), values.end());
  const auto bin = [&](double v) { return std::floor(v / std::pow(2.0, h.exponent)); };
  const double low = std::min(0.0F, h.min), high = std::max(0.0F, h.max);
  while (bin(high) - bin(low) >= Histogram::kMaxBins) ++h.exponent;
  h.first = static_cast<int>(bin(low));
  h.counts.resize(static_cast<size_t>(bin(high) - bin(low)) + 1);
  for (const float v : values) {
    ++h.counts[static_cast<size_t>(bin(v) - bin(low))];
    h.zeros += v == 0;
    ++h.total;
  }
  return h;
}

TEST(Histogram, IsThatOfTheObviousWay) {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const auto values = some_values(random, static_cast<size_t>(random.between(1, 200)));
    const Histogram h = of(values);
    EXPECT_TRUE(h == slow(values)) << i;
    EXPECT_EQ(std::accumulate(h.counts.begin(), h.counts.end(), int64_t{0}), h.total);
  }
}

TEST(Histogram, DoesNotDependOnOrderOrOnHowItWasSplitAndMerged) {
  Random random(2);
  for (int i = 0; i < 300; ++i) {
    auto values = some_values(random, 100);
    const Histogram whole = of(values);
    random.shuffle(values);
    Histogram parts, one_by_one;
    for (size_t from = 0; from < values.size();) {
      const size_t count = std::min<size_t>(values.size() - from,
                                            static_cast<size_t>(random.between(1, 40)));
      Histogram part;
      part.add(values.data() + from, count);
      if (random.chance(0.5)) std::swap(part, parts);
      parts.merge(part);
      from += count;
    }
    for (const float v : values) one_by_one.add(&v, 1);
    EXPECT_TRUE(parts == whole) << i;
    EXPECT_TRUE(one_by_one == whole) << i;
  }
}

TEST(Histogram, CountsNumbersThatAreNoneApart) {
  Histogram h = of({1, NAN, INFINITY, 0, -INFINITY});
  EXPECT_EQ(h.nonfinite, 3);
  EXPECT_EQ(h.total, 2);
  EXPECT_EQ(h.zeros, 1);
  EXPECT_EQ(h.max, 1);
  h.merge(of({NAN}));
  EXPECT_EQ(h.nonfinite, 4);
}

TEST(Histogram, HoldsTheLargestAndTheSmallestNumbers) {
  const float huge = 3.4e38F, tiny = 1e-44F;
  const Histogram h = of({huge, -huge, tiny, -tiny, 0});
  EXPECT_EQ(h.total, 5);
  EXPECT_LE(h.counts.size(), size_t{Histogram::kMaxBins});
}

TEST(Histogram, MergedWithAnEmptyOneStaysAsItIs) {
  Histogram h = of({-1, 2});
  const Histogram before = h;
  h.merge(Histogram());
  EXPECT_TRUE(h == before);
  Histogram empty;
  empty.merge(before);
  EXPECT_TRUE(empty == before);
}

TEST(Histogram, OfManyNumbersIsThatOfTheObviousWay) {
  Random random(11);
  for (int i = 0; i < 10; ++i) {
    auto values = some_values(random, 20000);
    for (float& v : values) v = random.chance(0.5) ? std::max(0.0F, v) : v;
    EXPECT_TRUE(of(values) == slow(values)) << i;
  }
}

TEST(Histogram, PutsWhatIsTooSmallForAFloatOnItsSideOfZero) {
  const std::vector<float> values{-1e-38F, 1e-38F, -0.0F, 1e30F, -1e30F};
  EXPECT_TRUE(of(values) == slow(values));
}

TEST(Histogram, CountsNumbersThatAreNotFiniteApart) {
  const std::vector<float> values{1, NAN, 2, INFINITY, -INFINITY, -3};
  const Histogram h = of(values);
  EXPECT_EQ(h.nonfinite, 3);
  EXPECT_EQ(h.total, 3);
  EXPECT_EQ(h.min, -3);
  EXPECT_EQ(h.max, 2);
  EXPECT_EQ(extent_of(values.data(), values.size()).nonfinite, 3);
}

TEST(Histogram, ComesBackFromItsPackedForm) {
  Random random(12);
  std::string all;
  std::vector<Histogram> histograms{{}};
  for (int i = 0; i < 50; ++i) histograms.push_back(of(some_values(random, 200)));
  for (const Histogram& h : histograms) all += packed(h);
  std::string_view rest = all;
  for (const Histogram& h : histograms) {
    const auto back = unpacked(rest);
    ASSERT_TRUE(back.has_value());
    EXPECT_TRUE(*back == h);
  }
  EXPECT_TRUE(rest.empty());
}

TEST(Histogram, IsNoneWherePackedBytesAreCutOffOrDontAgree) {
  Random random(13);
  const std::string bytes = packed(of(some_values(random, 100)));
  for (size_t length = 0; length < bytes.size(); ++length) {
    std::string_view part(bytes.data(), length);
    EXPECT_FALSE(unpacked(part).has_value()) << length;
  }
  Histogram wrong = of({1, 2, 3});
  wrong.counts.push_back(1);
  const std::string damaged = packed(wrong);
  std::string_view view = damaged;
  EXPECT_FALSE(unpacked(view).has_value());
}

}  // namespace
}  // namespace fpcls
