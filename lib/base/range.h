#pragma once

#include <limits>

namespace fpcls {

/// The values that an option accepts, both ends included.
template <class T>
struct Range {
  T min;
  T max;
};
template <class T>
Range(T, T) -> Range<T>;

/// `min` or more.
template <class T>
Range<T> at_least(T min) {
  return {min, std::numeric_limits<T>::max()};
}

}  // namespace fpcls
