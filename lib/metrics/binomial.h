#pragma once

#include <cstdint>

#include "metrics/intervals.h"

/// The binomial distribution as tests and intervals need it, by summing its terms outwards from
/// the largest: nothing is approximated, and a tail costs about the square root of n.
namespace fpcls {

/// P(X = k) for X ~ Bin(n, p); 0 outside 0..n.
double binomial_pmf(int64_t k, int64_t n, double p);

/// P(X >= k).
double binomial_upper_tail(int64_t k, int64_t n, double p);

/// P(X <= k).
double binomial_lower_tail(int64_t k, int64_t n, double p);

/// The ratios that neither tail of `risk` / 2 speaks against, so that at most `risk` of such
/// intervals miss the truth; n >= 1. Clopper and Pearson 1934.
Interval exact_interval(int64_t successes, int64_t n, double risk);

/// The p with P(X >= successes) = `risk`: what the truth exceeds but for that risk. 0 at no
/// success.
double exact_lower_bound(int64_t successes, int64_t n, double risk);

/// The p with P(X <= successes) = `risk`. 1 at no failure.
double exact_upper_bound(int64_t successes, int64_t n, double risk);

/// P(Z <= z) of the standard normal distribution.
double normal_cdf(double z);

/// The z with P(Z > z) = `tail`, 0 < tail < 1.
double normal_upper_quantile(double tail);

}  // namespace fpcls
