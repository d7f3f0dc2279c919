#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "graph/tensor.h"

/// How real numbers stand for integers of few bits: real = (integer - zero_point) * scale, and the
/// one rounding rule of fpcls, which executors, weights and the simulation all follow:
///
///     integer = clamp(round(real * (1 / scale)) + zero_point)
///
/// where the reciprocal and the product are float32 and halves round to even, as the vector
/// instructions of kernels do. Activations have one QuantParams a tensor; weights one scale for
/// each output channel, no zero point, and the integers -127..127.
namespace fpcls {

struct QuantParams {
  float scale = 1;     ///< real size of one step, > 0, normal
  int zero_point = 0;  ///< integer that stands for 0, in `lowest`..`highest`
  int lowest = 0;      ///< smallest integer; below 0: i8, else u8
  int highest = 255;   ///< largest integer

  DType dtype() const { return lowest < 0 ? DType::i8 : DType::u8; }
  friend bool operator==(const QuantParams& a, const QuantParams& b) {
    return a.scale == b.scale && a.zero_point == b.zero_point && a.lowest == b.lowest &&
           a.highest == b.highest;
  }
};

/// The real numbers that a tensor's values lie between, or are cut to.
struct ValueRange {
  float min = 0;
  float max = 0;
};

/// Chooses the scale and zero point that map `range` onto unsigned integers of `bits` bits.
///
/// The range is first widened to contain 0: padding and ReLU produce exact zeros, and a zero that
/// is not representable shifts every activation after it. A range of only zeros gives scale 1.
/// Throws Error unless 2 <= bits <= 8 and the range is finite with min <= max.
/// Scheme: Jacob et al. 2018, eq. 1.
QuantParams choose_quant_params(ValueRange range, int bits = 8);

/// The same onto signed integers without a zero point: -(2^(bits-1) - 1) .. 2^(bits-1) - 1, so that
/// the larger of |min| and |max| is the largest integer. Throws Error as the other one.
QuantParams choose_symmetric_params(ValueRange range, int bits = 8);

/// What `params` can stand for: values beyond are cut to it.
inline ValueRange representable(const QuantParams& params) {
  return {static_cast<float>(params.lowest - params.zero_point) * params.scale,
          static_cast<float>(params.highest - params.zero_point) * params.scale};
}

/// The integer that stands for `value`; infinities are cut, NaN becomes the zero point.
inline int quantize(float value, const QuantParams& params) {
  if (std::isnan(value)) return params.zero_point;
  const float steps = std::nearbyint(value * (1.0F / params.scale));
  const float integer = steps + static_cast<float>(params.zero_point);
  if (integer <= static_cast<float>(params.lowest)) return params.lowest;
  if (integer >= static_cast<float>(params.highest)) return params.highest;
  return static_cast<int>(integer);
}

inline float dequantize(int integer, const QuantParams& params) {
  return static_cast<float>(integer - params.zero_point) * params.scale;
}

/// One scale for each output channel, axis 0, of `weight` (f32, finite): its largest magnitude over
/// `highest`. A channel of zeros gets scale 1. `highest` is 127, or 63 where products of 8 bits
/// would saturate (CPUs without VNNI). Throws Error for a weight that isn't f32 or isn't finite.
std::vector<float> choose_weight_scales(const Tensor& weight, int highest = 127);

/// `weight` as i8 of the same shape, by the rule above with one scale a channel, within
/// -highest..highest.
Tensor quantize_weight(const Tensor& weight, const std::vector<float>& scales, int highest = 127);

/// The f32 numbers that `quantize_weight`'s integers stand for.
Tensor dequantize_weight(const Tensor& weight, const std::vector<float>& scales);

}  // namespace fpcls
