#include "metrics/intervals.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace fpcls {

std::optional<Interval> wilson_interval(int64_t successes, int64_t n, double z) {
  FPCLS_CHECK(successes >= 0 && successes <= n);
  if (n == 0) return std::nullopt;
  const auto count = static_cast<double>(n);
  const double ratio = static_cast<double>(successes) / count;
  const double shrink = 1 + z * z / count;
  const double centre = (ratio + z * z / (2 * count)) / shrink;
  const double half =
      z / shrink * std::sqrt(ratio * (1 - ratio) / count + z * z / (4 * count * count));
  // At 0 and n one end is exactly 0 or 1, which rounding would miss.
  return Interval{successes == 0 ? 0 : std::max(0.0, centre - half),
                  successes == n ? 1 : std::min(1.0, centre + half)};
}

double quantile(const std::vector<float>& sorted, double q) {
  FPCLS_CHECK(!sorted.empty() && q >= 0 && q <= 1);
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double fraction = place - static_cast<double>(below);
  const double low = sorted[below];
  const double high = sorted[above];
  // From the nearer end, so that fraction 1 gives `high` exactly.
  return fraction < 0.5 ? low + (high - low) * fraction : high - (high - low) * (1 - fraction);
}

}  // namespace fpcls
