#include "metrics/binomial.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace fpcls {
namespace {

/// Terms below this share of the largest change no sum of doubles.
constexpr double kNegligible = 1e-18;

int64_t mode(int64_t n, double p) {
  const auto most = static_cast<int64_t>(static_cast<double>(n + 1) * p);
  return std::clamp(most, int64_t{0}, n);
}

/// P(X = k + 1) / P(X = k).
double step_up(int64_t k, int64_t n, double p) {
  return static_cast<double>(n - k) * p / (static_cast<double>(k + 1) * (1 - p));
}

/// Sums of terms at least `k`, and of all, both over the largest term.
struct Sums {
  double upper = 0;
  double all = 0;
};

Sums sums(int64_t k, int64_t n, double p) {
  Sums result;
  const int64_t top = mode(n, p);
  const auto add = [&](int64_t at, double term) {
    result.all += term;
    if (at >= k) result.upper += term;
  };
  double term = 1;
  for (int64_t at = top; at <= n && term > kNegligible; ++at) {
    add(at, term);
    if (at < n) term *= step_up(at, n, p);
  }
  term = 1;
  for (int64_t at = top - 1; at >= 0; --at) {
    term /= step_up(at, n, p);
    if (term <= kNegligible) break;
    add(at, term);
  }
  return result;
}

/// A far tail is too small for its place in the sum of all; it is summed from its own largest term.
double far_upper_tail(int64_t k, int64_t n, double p) {
  double term = binomial_pmf(k, n, p), sum = 0;
  for (int64_t at = k; at <= n && term > kNegligible * sum; ++at) {
    sum += term;
    if (at < n) term *= step_up(at, n, p);
  }
  return sum;
}

/// Where the increasing function `risk_at` reaches `risk` between 0 and 1.
template <class Function>
double solve(const Function& risk_at, double risk) {
  double low = 0, high = 1;
  // To the last bit, also near 0, where doubles lie closer than 2^-53.
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    (risk_at(middle) < risk ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

double binomial_pmf(int64_t k, int64_t n, double p) {
  if (k < 0 || k > n) return 0;
  if (p <= 0) return k == 0 ? 1 : 0;
  if (p >= 1) return k == n ? 1 : 0;
  const auto successes = static_cast<double>(k);
  const auto failures = static_cast<double>(n - k);
  // lgamma_r: lgamma writes a global variable.
  int sign = 0;
  const auto log_factorial = [&sign](double x) { return lgamma_r(x + 1, &sign); };
  return std::exp(log_factorial(static_cast<double>(n)) - log_factorial(successes) -
                  log_factorial(failures) + successes * std::log(p) + failures * std::log1p(-p));
}

double binomial_upper_tail(int64_t k, int64_t n, double p) {
  FPCLS_CHECK(n >= 0 && p >= 0 && p <= 1);
  if (k <= 0) return 1;
  if (k > n || p == 0) return 0;
  if (p == 1) return 1;
  const Sums found = sums(k, n, p);
  const double tail = found.upper / found.all;
  return tail < 1e-12 ? far_upper_tail(k, n, p) : tail;
}

double binomial_lower_tail(int64_t k, int64_t n, double p) {
  return binomial_upper_tail(n - k, n, 1 - p);
}

double exact_lower_bound(int64_t successes, int64_t n, double risk) {
  FPCLS_CHECK(n >= 1 && successes >= 0 && successes <= n);
  if (successes == 0) return 0;
  return solve([&](double p) { return binomial_upper_tail(successes, n, p); }, risk);
}

double exact_upper_bound(int64_t successes, int64_t n, double risk) {
  return 1 - exact_lower_bound(n - successes, n, risk);
}

Interval exact_interval(int64_t successes, int64_t n, double risk) {
  return {exact_lower_bound(successes, n, risk / 2), exact_upper_bound(successes, n, risk / 2)};
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

double normal_upper_quantile(double tail) {
  FPCLS_CHECK(tail > 0 && tail < 1);
  double low = -40, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = 0.5 * (low + high);
    (normal_cdf(-middle) > tail ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace fpcls
