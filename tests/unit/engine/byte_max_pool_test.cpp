#include "engine/byte_max_pool.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/random.h"

namespace fpcls {
namespace {

using Type = memory::data_type;
using Tag = memory::format_tag;

struct Case {
  Shape in, out;
  Window window;
};

/// Windows of up to 4 x 4 that each hold some of the data, over shapes with any number of channels.
Case random_case(Random& random) {
  const auto number = [&](int low, int high) {
    return static_cast<int64_t>(random.between(low, high));
  };
  Case c;
  c.in = {number(1, 3), number(1, 32), 0, 0};
  c.out = {c.in[0], c.in[1], 0, 0};
  c.window.dilation = {1, 1};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t kernel = number(1, 4), stride = number(1, 3);
    const int64_t before = number(0, static_cast<int>(kernel) - 1);
    c.in[2 + i] = number(static_cast<int>(kernel), 12);
    c.out[2 + i] = (c.in[2 + i] + before - kernel) / stride + 1;
    if (random.chance(0.5) && c.out[2 + i] * stride - before < c.in[2 + i]) ++c.out[2 + i];
    c.window.kernel.push_back(kernel);
    c.window.stride.push_back(stride);
    c.window.padding_before.push_back(before);
    c.window.padding_after.push_back(0);
  }
  return c;
}

memory::desc nhwc(const Shape& shape, Type type) {
  return memory::desc(memory::dims(shape.begin(), shape.end()), type, Tag::nhwc);
}

/// The definition, number by number.
template <class T>
T largest(const std::vector<T>& x, const Case& c, int64_t n, int64_t channel, int64_t row,
          int64_t column) {
  T result = std::numeric_limits<T>::lowest();
  for (int64_t i = 0; i < c.window.kernel[0]; ++i) {
    for (int64_t j = 0; j < c.window.kernel[1]; ++j) {
      const int64_t h = row * c.window.stride[0] - c.window.padding_before[0] + i;
      const int64_t w = column * c.window.stride[1] - c.window.padding_before[1] + j;
      if (h < 0 || w < 0 || h >= c.in[2] || w >= c.in[3]) continue;
      const int64_t at = ((n * c.in[2] + h) * c.in[3] + w) * c.in[1] + channel;
      result = std::max(result, x[static_cast<size_t>(at)]);
    }
  }
  return result;
}

template <class T>
void expect_the_largest_of_each_window(Type type, Random& random) {
  Case c = random_case(random);
  while (c.in[1] * c.in[3] < 16) c = random_case(random);
  ASSERT_TRUE(takes_byte_max(nhwc(c.in, type), c.out, c.window));
  std::vector<T> x(static_cast<size_t>(element_count(c.in)));
  for (T& value : x) value = static_cast<T>(random.below(256));
  std::vector<T> y(static_cast<size_t>(element_count(c.out)));
  void* const arguments[] = {x.data(), y.data()};
  byte_max_kernel(nhwc(c.in, type), c.out, c.window)(arguments);
  size_t at = 0;
  for (int64_t n = 0; n < c.out[0]; ++n) {
    for (int64_t h = 0; h < c.out[2]; ++h) {
      for (int64_t w = 0; w < c.out[3]; ++w) {
        for (int64_t channel = 0; channel < c.out[1]; ++channel, ++at) {
          ASSERT_EQ(y[at], largest(x, c, n, channel, h, w)) << "at " << at;
        }
      }
    }
  }
}

TEST(ByteMaxPool, GivesTheLargestOfEachWindow) {
  Random random(7);
  for (int i = 0; i < 80; ++i) {
    SCOPED_TRACE(i);
    expect_the_largest_of_each_window<uint8_t>(Type::u8, random);
    expect_the_largest_of_each_window<int8_t>(Type::s8, random);
  }
}

TEST(ByteMaxPool, LeavesTheRestToOthers) {
  const Window window{{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}};
  const Shape out{1, 8, 56, 56};
  EXPECT_TRUE(takes_byte_max(nhwc({1, 8, 112, 112}, Type::u8), out, window));
  EXPECT_FALSE(takes_byte_max(nhwc({1, 8, 112, 112}, Type::f32), out, window));
  EXPECT_FALSE(takes_byte_max({{1, 8, 112, 112}, Type::u8, Tag::nchw}, out, window));
  EXPECT_FALSE(takes_byte_max(nhwc({1, 64, 112, 112}, Type::u8), {1, 64, 56, 56}, window));
  EXPECT_FALSE(takes_byte_max(nhwc({1, 32, 512, 512}, Type::u8), {1, 32, 256, 256}, window));
  EXPECT_FALSE(takes_byte_max(nhwc({1, 8, 112, 112}, Type::u8), {1, 8, 58, 58}, window))
      << "the last windows hold nothing but padding";
  Window dilated = window;
  dilated.dilation = {2, 2};
  EXPECT_FALSE(takes_byte_max(nhwc({1, 8, 112, 112}, Type::u8), {1, 8, 54, 54}, dilated));
}

}  // namespace
}  // namespace fpcls
