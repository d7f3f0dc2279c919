#include "metrics/paired.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "metrics/binomial.h"

namespace fpcls {
namespace {

constexpr double kPrecision = 1e-11;
/// Statistics that differ by less are the same, whatever the order of rounding.
constexpr double kTie = 1e-9;
constexpr double kPower = 0.8;
/// The least drop that is tried; a test of -1 itself divides by a deviation of 0.
constexpr double kLeast = -1 + kPrecision;

double square(double x) { return x * x; }

/// How many standard deviations `lost - gained` lies above what a drop of `delta` lets expect, the
/// deviation taken at the most likely q under that drop. Tango 1998, eq. 6 and 7.
double score_statistic(double lost, double gained, double n, double delta) {
  const double b = -lost - gained + (2 * n - lost + gained) * delta;
  const double c = -gained * delta * (1 - delta);
  const double root = std::sqrt(std::max(0.0, b * b - 8 * n * c));
  // Of the two forms of the quadratic's solution the one in which nothing cancels.
  const double q = b <= 0 ? (root - b) / (4 * n) : -2 * c / (b + root);
  const double variance = n * (2 * q + delta * (1 - delta));
  const double distance = lost - gained - n * delta;
  if (std::abs(distance) < kTie) return 0;
  if (!(variance > 0)) return std::copysign(std::numeric_limits<double>::infinity(), distance);
  return distance / std::sqrt(variance);
}

/// Counts at least as extreme as those seen, for one supposed drop: `lost` of at least a bound that
/// grows with `gained`.
class Region {
 public:
  Region(const PairedCounts& seen, double delta, int64_t first_gained, int64_t last_gained)
      : n_(seen.n), delta_(delta), first_(first_gained) {
    limit_ = statistic(seen.lost, seen.gained) - kTie;
    int64_t lost = first_bound();
    for (int64_t gained = first_; gained <= last_gained; ++gained) {
      while (lost <= n_ - gained && statistic(lost, gained) < limit_) ++lost;
      bounds_.push_back(lost);
    }
  }

  /// n - gained + 1 or more: no count of lost pictures is enough.
  int64_t least_lost(int64_t gained) const {
    return bounds_[static_cast<size_t>(gained - first_)];
  }

 private:
  double statistic(int64_t lost, int64_t gained) const {
    return score_statistic(static_cast<double>(lost), static_cast<double>(gained),
                           static_cast<double>(n_), delta_);
  }

  int64_t first_bound() const {
    int64_t low = 0, high = n_ - first_ + 1;  // the bound lies in low..high
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (statistic(middle, first_) >= limit_) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  int64_t n_;
  double delta_;
  int64_t first_;
  double limit_ = 0;
  std::vector<int64_t> bounds_;
};

/// P(X = k) and P(X >= k) for X ~ Bin(n, p), moved one step at a time: a step costs a few
/// multiplications where a fresh tail costs a sum.
class MovingTail {
 public:
  MovingTail(int64_t k, int64_t n, double p)
      : k_(k), n_(n), p_(p), term_(binomial_pmf(k, n, p)), tail_(binomial_upper_tail(k, n, p)) {}

  double tail() const { return std::clamp(tail_, 0.0, 1.0); }

  void raise_k_to(int64_t k) {
    while (k_ < k) {
      tail_ -= term_;
      term_ = k_ >= n_ ? 0
                       : term_ * static_cast<double>(n_ - k_) * p_ /
                             (static_cast<double>(k_ + 1) * (1 - p_));
      ++k_;
      renew();
    }
  }

  /// P_n(X >= k) = P_{n-1}(X >= k) + p P_{n-1}(X = k - 1), and p P_{n-1}(X = k - 1) = term k / n.
  void lower_n() {
    tail_ -= term_ * static_cast<double>(k_) / static_cast<double>(n_);
    term_ *= static_cast<double>(n_ - k_) / (static_cast<double>(n_) * (1 - p_));
    --n_;
    renew();
  }

 private:
  // A term that begins below the range of doubles would stay 0 all the way up.
  void renew() {
    if (term_ < 1e-280) term_ = binomial_pmf(k_, n_, p_);
  }

  int64_t k_, n_;
  double p_;
  double term_, tail_;
};

/// Counts of gained pictures that have a probability worth adding, for any q in `range`.
struct Window {
  int64_t first, last;
};

Window gained_window(int64_t n, Interval range) {
  const auto reach = [n](double q) {
    // 9 deviations, and 40 for the skew where few are expected: less than 1e-17 lies outside.
    return 9 * std::sqrt(static_cast<double>(n) * q * (1 - q)) + 40;
  };
  const double low = static_cast<double>(n) * range.low - reach(range.low);
  const double high = static_cast<double>(n) * range.high + reach(range.high);
  return {std::max(int64_t{0}, static_cast<int64_t>(low)),
          std::min(n, static_cast<int64_t>(high) + 1)};
}

/// Probability of the region when gained pictures have probability `q` and lost ones q + delta.
double region_probability(const Region& region, int64_t n, double q, double delta) {
  const Window window = gained_window(n, {q, q});
  const double lost_of_rest = std::clamp((q + delta) / (1 - q), 0.0, 1.0);
  const auto all = [&](int64_t gained) { return n - gained; };
  if (lost_of_rest == 0 || lost_of_rest == 1) {
    double sum = 0;
    for (int64_t gained = window.first; gained <= window.last; ++gained) {
      const int64_t lost = lost_of_rest == 0 ? 0 : all(gained);
      if (lost >= region.least_lost(gained)) sum += binomial_pmf(gained, n, q);
    }
    return sum;
  }
  MovingTail tail(region.least_lost(window.first), all(window.first), lost_of_rest);
  double term = binomial_pmf(window.first, n, q), weight = 0, sum = 0;
  for (int64_t gained = window.first; gained <= window.last; ++gained) {
    tail.raise_k_to(region.least_lost(gained));
    weight += term;
    sum += term * tail.tail();
    if (gained == window.last) break;
    tail.lower_n();
    term = term > 1e-280 ? term * static_cast<double>(n - gained) * q /
                               (static_cast<double>(gained + 1) * (1 - q))
                         : binomial_pmf(gained + 1, n, q);
  }
  // The weights' sum is 1 but for what rounding does to the first of them.
  return sum / weight;
}

/// Where q can lie, whatever the drop.
Interval nuisance_interval(const PairedCounts& counts) {
  return exact_interval(counts.gained, counts.n, kNuisanceRisk);
}

double p_at_most(const PairedCounts& counts, double delta, Interval nuisance) {
  // Both probabilities are at least 0, and all three together 1.
  const double low = std::max(nuisance.low, -delta);
  const double high = std::min(nuisance.high, (1 - delta) / 2);
  if (low > high) return kNuisanceRisk;
  const Window window = gained_window(counts.n, {low, high});
  const Region region(counts, delta, window.first, window.last);
  double largest = 0;
  for (int i = 0; i < kNuisancePlaces; ++i) {
    const double q = low + (high - low) * i / (kNuisancePlaces - 1);
    largest = std::max(largest, region_probability(region, counts.n, q, delta));
  }
  return std::min(1.0, largest + kNuisanceRisk);
}

PairedCounts swapped(const PairedCounts& counts) {
  return {counts.n, counts.gained, counts.lost};
}

}  // namespace

double mcnemar_p(const PairedCounts& counts) {
  const int64_t differing = counts.lost + counts.gained;
  return std::min(1.0,
                  2 * binomial_upper_tail(std::max(counts.lost, counts.gained), differing, 0.5));
}

double p_drop_at_most(const PairedCounts& counts, double margin) {
  FPCLS_CHECK(counts.n >= 1 && counts.lost >= 0 && counts.gained >= 0 &&
              counts.lost + counts.gained <= counts.n && margin > -1 && margin < 1);
  return p_at_most(counts, margin, nuisance_interval(counts));
}

double p_drop_at_least(const PairedCounts& counts, double margin) {
  return p_drop_at_most(swapped(counts), -margin);
}

double drop_lower_bound(const PairedCounts& counts, double risk, double margin) {
  FPCLS_CHECK(risk > 0 && risk < 0.5);
  const Interval nuisance = nuisance_interval(counts);
  const auto refused = [&](double delta) { return p_at_most(counts, delta, nuisance) <= risk; };
  const auto n = static_cast<double>(counts.n);
  // From where the counts are seen downwards, in steps of some deviations, to a drop refused.
  double high = counts.drop();
  double step = 4 * std::sqrt(static_cast<double>(counts.lost + counts.gained + 4)) / n;
  double low = high;
  do {
    if (low == kLeast) return -1;
    low = std::max(low - step, kLeast);
    step *= 2;
  } while (!refused(low));
  // p-values jump a little up and down; the margin's own answer is what is decided by.
  if (margin > low && margin < high) (refused(margin) ? low : high) = margin;
  while (high - low > kPrecision) {
    const double middle = 0.5 * (low + high);
    (refused(middle) ? low : high) = middle;
  }
  return low;
}

double drop_upper_bound(const PairedCounts& counts, double risk, double margin) {
  return -drop_lower_bound(swapped(counts), risk, -margin);
}

std::optional<int64_t> pictures_needed(const PairedCounts& counts, double margin, double risk) {
  constexpr double kTooMany = 1e9;
  const auto n = static_cast<double>(std::max(counts.n, int64_t{1}));
  const auto differing = static_cast<double>(counts.lost + counts.gained);
  const double drop = static_cast<double>(counts.lost - counts.gained) / n;
  // Where all that differ differ the same way, one more is supposed that doesn't.
  const double share = differing == 0 ? 0 : (differing + 1) / (n + 1);
  const double distance = drop - margin;
  const double variance = share - square(drop);
  if (distance == 0) return std::nullopt;
  const double z = normal_upper_quantile(risk) + normal_upper_quantile(1 - kPower);
  double needed = square(z) * std::max(0.0, variance) / square(distance);
  if (distance < 0 && margin > 0) needed = std::max(needed, std::log(risk) / std::log1p(-margin));
  if (!(needed < kTooMany)) return std::nullopt;
  return static_cast<int64_t>(std::ceil(needed));
}

}  // namespace fpcls
