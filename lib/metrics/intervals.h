#pragma once

#include <cstdint>
#include <optional>
#include <vector>

/// Quantiles of measurements, and how far a ratio of counts can be trusted.
namespace fpcls {

/// Both ends in 0..1.
struct Interval {
  double low = 0;
  double high = 0;
};

/// Two-sided 95 % of the standard normal distribution.
constexpr double kNormal95 = 1.959963984540054;

/// The interval of ratios that `successes` out of `n` is compatible with; absent when n is 0.
/// Wilson 1927: unlike the normal approximation it stays within 0..1 and is right near both ends.
std::optional<Interval> wilson_interval(int64_t successes, int64_t n, double z = kNormal95);

/// The `q`-quantile (0..1) of values sorted in ascending order, at least one of them: linear
/// interpolation between neighbours, definition 7 of Hyndman and Fan 1996, NumPy's default.
double quantile(const std::vector<float>& sorted, double q);

}  // namespace fpcls
