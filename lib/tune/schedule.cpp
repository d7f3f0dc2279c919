#include "tune/schedule.h"

#include <algorithm>
#include <cmath>

namespace fpcls {

double learning_rate_at(int64_t step, int64_t total_steps, double peak, double warmup_ratio) {
  constexpr double kPi = 3.14159265358979323846;
  const auto warmup = static_cast<double>(total_steps) * warmup_ratio;
  const auto at = static_cast<double>(step);
  if (at + 1 < warmup) return peak * (at + 1) / warmup;
  const double left = std::max(1.0, static_cast<double>(total_steps) - warmup);
  return peak * 0.5 * (1 + std::cos(kPi * std::min(1.0, std::max(0.0, at - warmup) / left)));
}

}  // namespace fpcls
