#include "model/convert.h"

#include <cmath>

namespace fpcls {

float half_to_float(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f;
  const int mantissa = bits & 0x3ff;
  float magnitude = 0;
  if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  } else if (exponent < 31) {
    magnitude = std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  } else {
    magnitude = mantissa == 0 ? INFINITY : NAN;
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

float bfloat16_to_float(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value = 0;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

Tensor as_f32(const Tensor& tensor) {
  if (tensor.dtype() == DType::f32) return tensor;
  FPCLS_CHECK(tensor.dtype() == DType::bf16);
  return Tensor::from<float>(tensor.shape(),
                             to_floats<uint16_t>(tensor.bytes(), bfloat16_to_float));
}

}  // namespace fpcls
