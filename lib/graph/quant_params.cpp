#include "graph/quant_params.h"

#include <algorithm>
#include <limits>

namespace fpcls {
namespace {

/// A smaller scale would be denormal, and its reciprocal infinite.
constexpr double kSmallestScale = std::numeric_limits<float>::min();

void check(ValueRange range, int bits) {
  if (bits < 2 || bits > 8) fail("{} bits, expected 2 to 8", bits);
  if (!std::isfinite(range.min) || !std::isfinite(range.max) || range.min > range.max) {
    fail("range {} to {}, expected finite numbers in ascending order", range.min, range.max);
  }
}

float scale_of(double width, int steps) {
  if (width == 0) return 1;
  return static_cast<float>(std::max(width / steps, kSmallestScale));
}

int64_t channel_count(const Tensor& weight) {
  if (weight.dtype() != DType::f32 && weight.dtype() != DType::i8) {
    fail("weight is {}, expected f32", enum_name(weight.dtype()));
  }
  FPCLS_CHECK(!weight.empty() && !weight.shape().empty());
  return weight.shape()[0];
}

}  // namespace

QuantParams choose_quant_params(ValueRange range, int bits) {
  check(range, bits);
  const double min = std::min(0.0F, range.min);
  const double max = std::max(0.0F, range.max);
  QuantParams params;
  params.highest = (1 << bits) - 1;
  params.scale = scale_of(max - min, params.highest);
  params.zero_point =
      std::min(params.highest, static_cast<int>(std::nearbyint(-min / params.scale)));
  return params;
}

QuantParams choose_symmetric_params(ValueRange range, int bits) {
  check(range, bits);
  QuantParams params;
  params.highest = (1 << (bits - 1)) - 1;
  params.lowest = -params.highest;
  params.scale = scale_of(std::max(std::abs(range.min), std::abs(range.max)), params.highest);
  return params;
}

std::vector<float> choose_weight_scales(const Tensor& weight, int highest) {
  const int64_t channels = channel_count(weight);
  const int64_t each = weight.count() / channels;
  const float* values = weight.data<float>();
  std::vector<float> scales;
  for (int64_t c = 0; c < channels; ++c) {
    float largest = 0;
    for (const float* v = values + c * each; v != values + (c + 1) * each; ++v) {
      if (!std::isfinite(*v)) fail("weight of output channel {} is {}", c, *v);
      largest = std::max(largest, std::abs(*v));
    }
    scales.push_back(scale_of(largest, highest));
  }
  return scales;
}

Tensor quantize_weight(const Tensor& weight, const std::vector<float>& scales, int highest) {
  const int64_t channels = channel_count(weight);
  FPCLS_CHECK(static_cast<int64_t>(scales.size()) == channels);
  const int64_t each = weight.count() / channels;
  const float* values = weight.data<float>();
  std::vector<int8_t> integers(static_cast<size_t>(weight.count()));
  for (int64_t i = 0; i < weight.count(); ++i) {
    const QuantParams params{scales[static_cast<size_t>(i / each)], 0, -highest, highest};
    integers[static_cast<size_t>(i)] = static_cast<int8_t>(quantize(values[i], params));
  }
  return Tensor::from<int8_t>(weight.shape(), std::move(integers));
}

Tensor dequantize_weight(const Tensor& weight, const std::vector<float>& scales) {
  const int64_t channels = channel_count(weight);
  FPCLS_CHECK(static_cast<int64_t>(scales.size()) == channels);
  const int64_t each = weight.count() / channels;
  const int8_t* integers = weight.data<int8_t>();
  std::vector<float> values(static_cast<size_t>(weight.count()));
  for (int64_t i = 0; i < weight.count(); ++i) {
    values[static_cast<size_t>(i)] =
        static_cast<float>(integers[i]) * scales[static_cast<size_t>(i / each)];
  }
  return Tensor::from<float>(weight.shape(), std::move(values));
}

}  // namespace fpcls
