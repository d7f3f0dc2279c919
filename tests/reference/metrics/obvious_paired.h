#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "metrics/binomial.h"
#include "metrics/paired.h"

/// The exact test of a paired drop by summing over every pair of counts there could be: no
/// windows, no moving tails, no assumption on the shape of the region.
namespace fpcls::obvious {

/// The most likely q under a drop of `delta`, by search: the likelihood has one top.
inline double statistic(double lost, double gained, double n, double delta) {
  const double least = std::max(0.0, -delta), most = (1 - delta) / 2;
  const auto part = [](double count, double p) {
    return count == 0 ? 0 : p <= 0 ? -std::numeric_limits<double>::infinity() : count * std::log(p);
  };
  const auto likelihood = [&](double q) {
    return part(lost, q + delta) + part(gained, q) + part(n - lost - gained, 1 - 2 * q - delta);
  };
  double low = least, high = most;
  for (int i = 0; i < 200; ++i) {
    const double a = low + (high - low) * 0.4, b = low + (high - low) * 0.6;
    (likelihood(a) < likelihood(b) ? low : high) = likelihood(a) < likelihood(b) ? a : b;
  }
  const double q = 0.5 * (low + high);
  const double distance = lost - gained - n * delta;
  if (std::abs(distance) < 1e-9) return 0;
  const double variance = n * (2 * q + delta - delta * delta);
  return distance / std::sqrt(std::max(variance, 1e-300));
}

inline double p_drop_at_most(const PairedCounts& seen, double delta, int places = kNuisancePlaces) {
  const Interval nuisance = exact_interval(seen.gained, seen.n, kNuisanceRisk);
  const double low = std::max(nuisance.low, -delta);
  const double high = std::min(nuisance.high, (1 - delta) / 2);
  if (low > high) return kNuisanceRisk;
  const auto n = static_cast<double>(seen.n);
  // The search finds a top to about 1e-8 of its place.
  const double limit =
      statistic(static_cast<double>(seen.lost), static_cast<double>(seen.gained), n, delta) - 1e-6;
  std::vector<double> sums(static_cast<size_t>(places));
  for (int64_t lost = 0; lost <= seen.n; ++lost) {
    for (int64_t gained = 0; lost + gained <= seen.n; ++gained) {
      if (statistic(static_cast<double>(lost), static_cast<double>(gained), n, delta) < limit) {
        continue;
      }
      for (int i = 0; i < places; ++i) {
        const double q = low + (high - low) * i / (places - 1);
        const double rest = std::min(1.0, (q + delta) / (1 - q));
        sums[static_cast<size_t>(i)] +=
            binomial_pmf(gained, seen.n, q) * binomial_pmf(lost, seen.n - gained, rest);
      }
    }
  }
  return std::min(1.0, *std::max_element(sums.begin(), sums.end()) + kNuisanceRisk);
}

}  // namespace fpcls::obvious
