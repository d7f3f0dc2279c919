// How often the gate's test fails what is just within its margin, and finds what is beyond it: by
// simulated runs, next to two habits, a fixed band on the difference of two averages and a test
// that forgets the pairing.
//
//     gate_power [draws]        prints two tables in Markdown

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "metrics/binomial.h"
#include "metrics/holm.h"
#include "metrics/paired.h"

namespace fpcls {
namespace {

constexpr double kMargin = 0.003, kRisk = 0.05;

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed) {}

  int64_t draw(int64_t n, double p) {
    return std::binomial_distribution<int64_t>(n, std::min(1.0, p))(random_);
  }

  PairedCounts pair(int64_t n, double drop, double gained) {
    PairedCounts counts{n, draw(n, drop + gained), 0};
    counts.gained = draw(n - counts.lost, gained / (1 - drop - gained));
    return counts;
  }

  /// The same counts come again and again.
  double p(const PairedCounts& counts, double margin) {
    const auto key = std::make_tuple(counts.n, counts.lost, counts.gained, margin);
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
    return known_[key] = p_drop_at_most(counts, margin);
  }

 private:
  std::mt19937_64 random_;
  std::map<std::tuple<int64_t, int64_t, int64_t, double>, double> known_;
};

/// Share of draws in which any check of a family at exactly the margin fails. Checks that know
/// nothing of each other are the hardest family for Holm's bound.
void print_false_alarms(int draws) {
  constexpr int kFamily = 30;
  fmt::print("| pictures a check | gained | any of {} checks fails | one check alone fails |\n",
             kFamily);
  fmt::print("| ---: | ---: | ---: | ---: |\n");
  for (const int64_t n : {100, 1000, 5000}) {
    for (const double gained : {0.0, 0.005, 0.02}) {
      Simulation simulation(1);
      int any = 0;
      int64_t single = 0;
      for (int i = 0; i < draws; ++i) {
        std::vector<double> p;
        for (int k = 0; k < kFamily; ++k) {
          p.push_back(simulation.p(simulation.pair(n, kMargin, gained), kMargin));
          single += p.back() <= kRisk ? 1 : 0;
        }
        bool fails = false;
        for (const double adjusted : holm_adjusted(p)) fails = fails || adjusted <= kRisk;
        any += fails ? 1 : 0;
      }
      fmt::print("| {} | {:.1f} % | {:.2f} % | {:.2f} % |\n", n, 100 * gained, 100.0 * any / draws,
                 100.0 * static_cast<double>(single) / (draws * kFamily));
      std::fflush(stdout);
    }
  }
}

/// A test of two shares as if they were of different pictures, of a drop of at most `margin`.
bool unpaired_fails(int64_t n, int64_t before, int64_t now, double margin) {
  const auto count = static_cast<double>(n);
  const double a = static_cast<double>(before) / count, b = static_cast<double>(now) / count;
  const double deviation = std::sqrt((a * (1 - a) + b * (1 - b)) / count);
  return deviation > 0 && (a - b - margin) / deviation > normal_upper_quantile(kRisk);
}

/// A base that is right on 95 % of the pictures, a candidate that gains 0.5 % of them and loses so
/// many more.
void print_power(int draws) {
  constexpr double kRight = 0.95, kGained = 0.005, kBand = 0.01;
  fmt::print("\n| true drop | pictures | gate, margin 0 | gate, margin 0.3 | band of 1 point | "
             "unpaired, margin 0 |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n");
  for (const double drop : {0.0, 0.003, 0.01, 0.03}) {
    for (const int64_t n : {200, 500, 1000, 2000, 5000, 20000}) {
      Simulation simulation(2);
      int strict = 0, gate = 0, band = 0, unpaired = 0;
      for (int i = 0; i < draws; ++i) {
        // Lost pictures are among those that were right, gained ones among the rest.
        const int64_t before = simulation.draw(n, kRight);
        PairedCounts counts{n, simulation.draw(before, (drop + kGained) / kRight),
                            simulation.draw(n - before, kGained / (1 - kRight))};
        const int64_t now = before - counts.lost + counts.gained;
        strict += simulation.p(counts, 0) <= kRisk ? 1 : 0;
        gate += simulation.p(counts, kMargin) <= kRisk ? 1 : 0;
        band += counts.drop() > kBand ? 1 : 0;
        unpaired += unpaired_fails(n, before, now, 0) ? 1 : 0;
      }
      const auto percent = [draws](int count) { return 100.0 * count / draws; };
      fmt::print("| {:.1f} | {} | {:.1f} % | {:.1f} % | {:.1f} % | {:.1f} % |\n", 100 * drop, n,
                 percent(strict), percent(gate), percent(band), percent(unpaired));
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace fpcls

int main(int argc, char** argv) {
  const int draws = argc > 1 ? std::atoi(argv[1]) : 10000;
  fpcls::print_false_alarms(draws);
  fpcls::print_power(std::min(draws, 2000));
}
