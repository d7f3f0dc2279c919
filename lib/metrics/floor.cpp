#include "metrics/floor.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "metrics/binomial.h"

namespace fpcls {
namespace {

/// Standard deviations that the ratio lies above the floor, were the floor the truth.
double deviations(int64_t successes, int64_t n, double floor) {
  FPCLS_CHECK(n >= 1 && floor > 0 && floor < 1);
  const auto count = static_cast<double>(n);
  return (static_cast<double>(successes) - count * floor) / std::sqrt(count * floor * (1 - floor));
}

}  // namespace

double p_ratio_at_least(int64_t successes, int64_t n, double floor) {
  return normal_cdf(deviations(successes, n, floor));
}

double p_ratio_at_most(int64_t successes, int64_t n, double floor) {
  return normal_cdf(-deviations(successes, n, floor));
}

std::optional<int64_t> pictures_needed_for_floor(int64_t successes, int64_t n, double floor,
                                                 double risk) {
  constexpr double kTooMany = 1e9, kPower = 0.8;
  const double ratio = static_cast<double>(successes) / static_cast<double>(n);
  const double z = normal_upper_quantile(risk);
  const double spread = z * std::sqrt(floor * (1 - floor)) +
                        normal_upper_quantile(1 - kPower) * std::sqrt(ratio * (1 - ratio));
  const double needed = std::pow(spread / (ratio - floor), 2);
  if (!(needed < kTooMany)) return std::nullopt;
  return static_cast<int64_t>(std::ceil(needed));
}

}  // namespace fpcls
