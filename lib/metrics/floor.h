#pragma once

#include <cstdint>
#include <optional>

/// Is a ratio of counts above a floor that was asked for? By the score test, whose bounds are those
/// of `wilson_interval`.
namespace fpcls {

/// p-value of "the ratio is at least `floor`" (0 < floor < 1): small where it is below; n >= 1.
double p_ratio_at_least(int64_t successes, int64_t n, double floor);
/// p-value of "the ratio is at most `floor`".
double p_ratio_at_most(int64_t successes, int64_t n, double floor);

/// Pictures, all together, with which a test of risk `risk` would in 8 of 10 cases tell the ratio,
/// were it what it is now, from `floor`; absent where more than 1e9 were needed.
std::optional<int64_t> pictures_needed_for_floor(int64_t successes, int64_t n, double floor,
                                                 double risk);

}  // namespace fpcls
