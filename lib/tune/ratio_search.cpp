#include "tune/ratio_search.h"

#include <algorithm>
#include <cmath>

namespace fpcls {
namespace {

double to_hundredths(double ratio) { return std::round(ratio * 100) / 100; }

}  // namespace

RatioAnswer search_ratio(const RatioSearch& search,
                         const std::function<std::optional<RatioTrial>(double ratio)>& attempt,
                         const std::function<double()>& seconds) {
  RatioAnswer answer;
  double low = 0, high = 1, longest_s = 0;
  while (true) {
    const double ratio = to_hundredths((low + high) / 2);
    if (high - low <= search.resolution || ratio <= low || ratio >= high) break;
    const double begin_s = seconds();
    if (search.budget_s > 0 && begin_s + longest_s > search.budget_s) {
      answer.out_of_time = true;
      break;
    }
    const std::optional<RatioTrial> trial = attempt(ratio);
    longest_s = std::max(longest_s, seconds() - begin_s);
    const bool within = trial && trial->shift_points <= search.max_shift_points;
    if (trial) answer.trials.push_back(*trial);
    if (within) answer.best = answer.trials.size() - 1;
    (within ? low : high) = ratio;
  }
  return answer;
}

std::vector<bool> pareto_set(const std::vector<RatioTrial>& trials) {
  std::vector<bool> in_set;
  for (const RatioTrial& one : trials) {
    in_set.push_back(std::none_of(trials.begin(), trials.end(), [&](const RatioTrial& other) {
      return other.cost <= one.cost && other.shift_points <= one.shift_points &&
             (other.cost < one.cost || other.shift_points < one.shift_points);
    }));
  }
  return in_set;
}

}  // namespace fpcls
