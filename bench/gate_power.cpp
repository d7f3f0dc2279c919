// How often the gate's test fails what is just within its margin, and finds what is beyond it, next
// to two habits: a fixed band on the difference of two averages, and a test that forgets the
// pairing. Summed over all counts that two runs can give; only the test without pairs, which
// depends on a third count, is simulated.
//
//     gate_power [draws]        prints two tables in Markdown

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#include "metrics/binomial.h"
#include "metrics/paired.h"

namespace fpcls {
namespace {

constexpr double kMargin = 0.003, kRisk = 0.05;

/// For each count of gained pictures, up to a last one, the least lost ones with which a rule fails
/// the candidate; rules fail all the more the more is lost.
using Bounds = std::vector<int64_t>;

Bounds bounds_of(int64_t n, int64_t last_gained,
                 const std::function<bool(const PairedCounts&)>& fails) {
  Bounds bounds;
  for (int64_t gained = 0; gained <= last_gained; ++gained) {
    int64_t low = 0, high = n - gained + 1;
    while (low < high) {
      const int64_t middle = low + (high - low) / 2;
      if (fails({n, middle, gained})) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    bounds.push_back(low);
  }
  return bounds;
}

int64_t last_gained(int64_t n, double q) {
  const double mean = static_cast<double>(n) * q;
  return std::min(n, static_cast<int64_t>(mean + 9 * std::sqrt(mean) + 40));
}

/// Probability of failing where gained pictures have probability `q`, lost ones q + drop.
double probability(const Bounds& bounds, int64_t n, double q, double drop) {
  const double lost = std::min(1.0, (q + drop) / (1 - q));
  double sum = 0;
  for (int64_t gained = 0; gained < static_cast<int64_t>(bounds.size()); ++gained) {
    const double weight = binomial_pmf(gained, n, q);
    if (weight < 1e-15) continue;
    sum += weight * binomial_upper_tail(bounds[static_cast<size_t>(gained)], n - gained, lost);
  }
  return sum;
}

Bounds gate_bounds(int64_t n, double margin, double risk, double most_gained) {
  return bounds_of(n, last_gained(n, most_gained), [=](const PairedCounts& counts) {
    return p_drop_at_most(counts, margin) <= risk;
  });
}

/// Checks that know nothing of each other are the hardest family for Holm's bound: any of them
/// fails where the first, which is held to risk / family, does.
void print_false_alarms() {
  constexpr int kFamily = 30, kPlaces = 400;
  fmt::print(
      "| pictures a check | margin | one check alone fails, at most | any of {} fails, at most |\n",
      kFamily);
  fmt::print("| ---: | ---: | ---: | ---: |\n");
  for (const int64_t n : {100, 1000, 5000}) {
    for (const double margin : {0.0, kMargin, 0.01}) {
      const double most = n > 1000 ? 0.06 : n > 100 ? 0.1 : 0.45;
      double alone = 0, first = 0;
      const Bounds at_risk = gate_bounds(n, margin, kRisk, most);
      const Bounds at_part = gate_bounds(n, margin, kRisk / kFamily, most);
      for (int i = 0; i <= kPlaces; ++i) {
        const double q = most * i * i / kPlaces / kPlaces;
        alone = std::max(alone, probability(at_risk, n, q, margin));
        first = std::max(first, probability(at_part, n, q, margin));
      }
      fmt::print("| {} | {:.1f} | {:.3f} % | {:.3f} % |\n", n, 100 * margin, 100 * alone,
                 100 * (1 - std::pow(1 - first, kFamily)));
      std::fflush(stdout);
    }
  }
}

/// A test of two shares as if they were of different pictures, of a drop of at most 0.
bool unpaired_fails(int64_t n, int64_t before, int64_t now) {
  const auto count = static_cast<double>(n);
  const double a = static_cast<double>(before) / count, b = static_cast<double>(now) / count;
  const double deviation = std::sqrt((a * (1 - a) + b * (1 - b)) / count);
  return deviation > 0 && (a - b) / deviation > normal_upper_quantile(kRisk);
}

/// A base that is right on 95 % of the pictures, and then loses and gains among those that it has
/// right and wrong.
double unpaired_power(int64_t n, double gained, double drop, int draws) {
  constexpr double kRight = 0.95;
  std::mt19937_64 random(2);
  const auto draw = [&](int64_t of, double p) {
    return std::binomial_distribution<int64_t>(of, std::min(1.0, p))(random);
  };
  int failed = 0;
  for (int i = 0; i < draws; ++i) {
    const int64_t before = draw(n, kRight);
    const int64_t lost = draw(before, (drop + gained) / kRight);
    const int64_t now = before - lost + draw(n - before, gained / (1 - kRight));
    failed += unpaired_fails(n, before, now) ? 1 : 0;
  }
  return static_cast<double>(failed) / draws;
}

void print_power(int draws) {
  constexpr double kGained = 0.005, kBand = 0.01;
  fmt::print(
      "\n| true drop | pictures | gate, margin 0 | gate, margin 0.3 | band of 1 point | "
      "unpaired, margin 0 |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n");
  for (const double drop : {0.0, 0.003, 0.01, 0.03}) {
    for (const int64_t n : {200, 500, 1000, 2000, 5000, 20000}) {
      const Bounds strict = gate_bounds(n, 0, kRisk, kGained);
      const Bounds gate = gate_bounds(n, kMargin, kRisk, kGained);
      const Bounds band = bounds_of(n, last_gained(n, kGained), [](const PairedCounts& counts) {
        return counts.drop() > kBand;
      });
      const auto percent = [&](const Bounds& bounds) {
        return 100 * probability(bounds, n, kGained, drop);
      };
      fmt::print("| {:.1f} | {} | {:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % |\n", 100 * drop, n,
                 percent(strict), percent(gate), percent(band),
                 100 * unpaired_power(n, kGained, drop, draws));
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace fpcls

int main(int argc, char** argv) {
  const int draws = argc > 1 ? std::atoi(argv[1]) : 100000;
  fpcls::print_false_alarms();
  fpcls::print_power(draws);
}
