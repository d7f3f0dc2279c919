#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

/// Number types of foreign files as float32. Internal to this folder.
namespace fpcls {

/// IEEE 754 binary16; exact.
float half_to_float(uint16_t bits);

/// Each `Number` in `bytes`, which need not be aligned, through `convert`.
template <class Number, class Convert>
std::vector<float> to_floats(std::string_view bytes, Convert convert) {
  std::vector<float> result(bytes.size() / sizeof(Number));
  for (size_t i = 0; i < result.size(); ++i) {
    Number value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    result[i] = convert(value);
  }
  return result;
}

}  // namespace fpcls
