#pragma once

#include <cstdint>

namespace fpcls {

/// Learning rate of step `step` (from 0) of `total_steps`: rises linearly over the first
/// `warmup_ratio` of the steps, then falls to 0 along half a cosine (Loshchilov and Hutter 2017).
double learning_rate_at(int64_t step, int64_t total_steps, double peak, double warmup_ratio);

}  // namespace fpcls
