#include "metrics/repeated.h"

#include <algorithm>
#include <functional>

#include "base/error.h"

namespace fpcls {
namespace {

/// probability[u] of U = u. Either the largest of all figures is one of the n, and beats all m, or
/// one of the m: p(u; n, m) = n / (n + m) p(u - m; n - 1, m) + m / (n + m) p(u; n, m - 1).
std::vector<double> rank_probabilities(int n, int m) {
  // row[j]: the distribution for the current number of the n, and j of the m.
  std::vector<std::vector<double>> row(static_cast<size_t>(m) + 1, {1.0});
  for (int i = 1; i <= n; ++i) {
    std::vector<std::vector<double>> next(static_cast<size_t>(m) + 1);
    next[0] = {1.0};
    for (int j = 1; j <= m; ++j) {
      std::vector<double>& sum = next[static_cast<size_t>(j)];
      sum.assign(static_cast<size_t>(i) * static_cast<size_t>(j) + 1, 0.0);
      const double share = static_cast<double>(i) / (i + j);
      const std::vector<double>& beats = row[static_cast<size_t>(j)];
      for (size_t u = 0; u < beats.size(); ++u) sum[u + static_cast<size_t>(j)] += share * beats[u];
      const std::vector<double>& loses = next[static_cast<size_t>(j) - 1];
      for (size_t u = 0; u < loses.size(); ++u) sum[u] += (1 - share) * loses[u];
    }
    row = std::move(next);
  }
  return row.back();
}

/// Candidate over base, all pairs, ascending.
std::vector<double> ratios(const Repeats& repeats) {
  FPCLS_CHECK(!repeats.base.empty() && !repeats.candidate.empty());
  std::vector<double> all;
  for (const double base : repeats.base) {
    for (const double candidate : repeats.candidate) all.push_back(candidate / base);
  }
  std::sort(all.begin(), all.end());
  return all;
}

double tail_of(int64_t u, const Repeats& repeats) {
  return rank_upper_tail(static_cast<int>(u), static_cast<int>(repeats.candidate.size()),
                         static_cast<int>(repeats.base.size()));
}

/// The least count of pairs that is unlikely enough, where there is one.
std::optional<size_t> critical_count(const Repeats& repeats, double risk) {
  const auto pairs = static_cast<int64_t>(repeats.base.size() * repeats.candidate.size());
  int64_t u = pairs + 1;
  while (u > 0 && tail_of(u - 1, repeats) <= risk) --u;
  if (u > pairs) return std::nullopt;
  return static_cast<size_t>(u);
}

}  // namespace

double rank_upper_tail(int u, int n, int m) {
  FPCLS_CHECK(n >= 1 && m >= 1);
  const std::vector<double> probabilities = rank_probabilities(n, m);
  double sum = 0;  // from the far end, where the smallest are
  for (int i = n * m; i >= std::max(u, 0); --i) sum += probabilities[static_cast<size_t>(i)];
  return std::min(1.0, sum);
}

double growth(const Repeats& repeats) {
  const std::vector<double> all = ratios(repeats);
  const size_t half = all.size() / 2;
  const double median = all.size() % 2 == 1 ? all[half] : 0.5 * (all[half - 1] + all[half]);
  return median - 1;
}

double p_growth_at_most(const Repeats& repeats, double limit) {
  const std::vector<double> all = ratios(repeats);
  return tail_of(all.end() - std::upper_bound(all.begin(), all.end(), 1 + limit), repeats);
}

double p_growth_at_least(const Repeats& repeats, double limit) {
  const std::vector<double> all = ratios(repeats);
  return tail_of(std::lower_bound(all.begin(), all.end(), 1 + limit) - all.begin(), repeats);
}

std::optional<double> growth_lower_bound(const Repeats& repeats, double risk) {
  const std::optional<size_t> count = critical_count(repeats, risk);
  if (!count) return std::nullopt;
  const std::vector<double> all = ratios(repeats);
  return all[all.size() - *count] - 1;
}

std::optional<double> growth_upper_bound(const Repeats& repeats, double risk) {
  const std::optional<size_t> count = critical_count(repeats, risk);
  if (!count) return std::nullopt;
  return ratios(repeats)[*count - 1] - 1;
}

}  // namespace fpcls
