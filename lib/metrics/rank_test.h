#pragma once

#include <optional>
#include <vector>

/// Whether one set of repeated measurements is really smaller or larger than another, without
/// assuming anything of how they are distributed: times have long tails.
namespace fpcls {

/// Mann and Whitney 1947.
struct RankTest {
  double u = 0;  ///< pairs (a, b) with a > b, a tie counting half
  double p = 1;  ///< two-sided: how often chance alone gives ranks at least this far apart
  bool exact = false;  ///< from all arrangements of the ranks; else by the normal distribution
};

/// Absent where either is empty. Exact without ties and with at most 50 of each; else the normal
/// approximation with the variance corrected for ties and a continuity correction of 1/2.
std::optional<RankTest> mann_whitney(const std::vector<double>& a, const std::vector<double>& b);

/// How many times as large `a` is as `b`.
struct RatioEstimate {
  double ratio = 1;  ///< the median of all quotients a_i / b_j (Hodges and Lehmann 1963, of logs)
  /// Two-sided 95 % where as many measurements can give that: from 4 of each on.
  std::optional<double> low, high;
};

/// Of positive numbers; absent where either is empty. The interval holds those factors that the
/// rank test doesn't refuse at 5 % (Conover 1999, 5.4), by the exact distribution up to 50 of each.
std::optional<RatioEstimate> ratio_of(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace fpcls
