#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How often numbers of each size occurred, in bins of a power-of-two width aligned to zero. A wider
/// range doubles the width by merging neighbours, and counts are integers, so the result depends on
/// the numbers alone: not on their order, nor on how they were split and merged.
namespace fpcls {

/// What can be known of numbers without counting them.
struct NumberExtent {
  float min = 0, max = 0;  ///< undefined where some aren't finite
  int64_t nonfinite = 0;
};
NumberExtent extent_of(const float* values, size_t count);

struct Histogram {
  static constexpr int kMaxBins = 2048;
  static constexpr int kFinestExponent = -100;

  int exponent = kFinestExponent;  ///< bins are 2^exponent wide
  int first = 0;                   ///< counts[i] is of [first + i, first + i + 1) * 2^exponent
  std::vector<int64_t> counts;     ///< the bins from the lowest used one, or 0's, to the highest
  float min = 0;                   ///< smallest finite number; undefined while `total` is 0
  float max = 0;
  int64_t total = 0;      ///< finite numbers
  int64_t zeros = 0;      ///< those that are exactly 0
  int64_t nonfinite = 0;  ///< NaN and infinities, which stand in no bin

  void add(const float* values, size_t count);
  /// The same, of numbers whose extent is known.
  void add(const float* values, size_t count, const NumberExtent& extent);
  void merge(const Histogram& other);

  double width() const;
  /// The middle of bin `i`.
  double center(size_t i) const;
};

/// As few bytes as it can easily be, for keeping many.
std::string packed(const Histogram& histogram);
/// Takes one off the front of `bytes`; none where they are cut off or no histogram.
std::optional<Histogram> unpacked(std::string_view& bytes);

/// Whether range, bins and zeros can belong together.
bool is_sound(const Histogram& histogram);

bool operator==(const Histogram& a, const Histogram& b);

}  // namespace fpcls
