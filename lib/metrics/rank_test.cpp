#include "metrics/rank_test.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "metrics/intervals.h"

namespace fpcls {
namespace {

constexpr size_t kMostExact = 50;

/// P(U <= u) for each u = 0 … n m, all arrangements of the ranks being equally likely: the number
/// of ways in which n of n + m ranks give u, by the recursion over the largest rank.
std::vector<double> cumulative(size_t n, size_t m) {
  // ways[i][u] with i of the ranks so far among the first set; one more of the second set a round.
  const size_t most = n * m;
  std::vector<std::vector<double>> ways(n + 1, std::vector<double>(most + 1));
  for (auto& row : ways) row[0] = 1;  // none of the second set: u = 0
  for (size_t j = 1; j <= m; ++j) {
    // f(i, j, u) = f(i - 1, j, u - j) + f(i, j - 1, u)
    for (size_t i = 1; i <= n; ++i) {
      for (size_t u = j; u <= most; ++u) ways[i][u] += ways[i - 1][u - j];
    }
  }
  std::vector<double> sums(most + 1);
  double sum = 0;
  for (size_t u = 0; u <= most; ++u) sums[u] = sum += ways[n][u];
  for (double& value : sums) value /= sum;
  return sums;
}

double variance_without_ties(double n, double m) { return n * m * (n + m + 1) / 12; }

/// Sum of t^3 - t over the groups of t equal numbers.
double tie_sum(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> all = a;
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end());
  double sum = 0;
  for (size_t i = 0; i < all.size();) {
    size_t end = i;
    while (end < all.size() && all[end] == all[i]) ++end;
    const auto t = static_cast<double>(end - i);
    sum += t * t * t - t;
    i = end;
  }
  return sum;
}

double normal_p(double u, double n, double m, double ties) {
  const double total = n + m;
  const double variance =
      n * m / 12 * (total + 1 - (total > 1 ? ties / (total * (total - 1)) : 0));
  if (variance <= 0) return 1;  // all numbers are the same
  const double distance = std::max(0.0, std::abs(u - n * m / 2) - 0.5);
  return std::erfc(distance / std::sqrt(2 * variance));
}

/// The largest u with P(U <= u) <= 2.5 %; absent where there is none.
std::optional<size_t> critical_u(size_t n, size_t m) {
  constexpr double kTail = 0.025;
  if (n > kMostExact || m > kMostExact) {
    const auto wide_n = static_cast<double>(n);
    const auto wide_m = static_cast<double>(m);
    const double u = wide_n * wide_m / 2 -
                     kNormal95 * std::sqrt(variance_without_ties(wide_n, wide_m)) - 0.5;
    if (u < 0) return std::nullopt;
    return static_cast<size_t>(u);
  }
  const std::vector<double> below = cumulative(n, m);
  if (below[0] > kTail) return std::nullopt;
  size_t u = 0;
  while (below[u + 1] <= kTail) ++u;
  return u;
}

}  // namespace

std::optional<RankTest> mann_whitney(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.empty() || b.empty()) return std::nullopt;
  RankTest test;
  for (const double x : a) {
    for (const double y : b) test.u += x > y ? 1 : x == y ? 0.5 : 0;
  }
  const double ties = tie_sum(a, b);
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  test.exact = ties == 0 && a.size() <= kMostExact && b.size() <= kMostExact;
  if (test.exact) {
    const double smaller = std::min(test.u, n * m - test.u);
    const std::vector<double> below = cumulative(a.size(), b.size());
    test.p = std::min(1.0, 2 * below[static_cast<size_t>(smaller)]);
  } else {
    test.p = normal_p(test.u, n, m, ties);
  }
  return test;
}

std::optional<RatioEstimate> ratio_of(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.empty() || b.empty()) return std::nullopt;
  std::vector<double> quotients;
  for (const double x : a) {
    for (const double y : b) quotients.push_back(x / y);
  }
  std::sort(quotients.begin(), quotients.end());
  RatioEstimate estimate;
  const size_t count = quotients.size();
  // Of an even number, the middle of the two logs.
  estimate.ratio = count % 2 == 1 ? quotients[count / 2]
                                  : std::sqrt(quotients[count / 2 - 1] * quotients[count / 2]);
  if (const auto u = critical_u(a.size(), b.size())) {
    estimate.low = quotients[*u];
    estimate.high = quotients[count - 1 - *u];
  }
  return estimate;
}

}  // namespace fpcls
