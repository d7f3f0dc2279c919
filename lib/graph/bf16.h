#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "graph/tensor.h"

/// bf16: numbers of 16 bits with f32's exponent and 8 bits of precision, the upper half of an f32.
/// A layer with bf16 weights rounds what it reads to bf16, too; the products are exact in f32,
/// where they are summed, and the result stays f32.
namespace fpcls {

inline float from_bf16(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value = 0;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

/// The nearest bf16, of two the even one. NaN stays NaN.
inline uint16_t to_bf16(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

inline float rounded_to_bf16(float value) { return from_bf16(to_bf16(value)); }

/// A tensor of type f32 or bf16 as f32, copied only where it has to be.
Tensor as_f32(const Tensor& tensor);

/// A tensor of type f32, rounded.
Tensor as_bf16(const Tensor& tensor);

}  // namespace fpcls
