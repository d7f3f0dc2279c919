#pragma once

#include <functional>
#include <optional>
#include <vector>

/// Looking for the largest ratio that can be removed while a model stays good enough. Every look is
/// a training, so there are few of them, and the clock has a say.
namespace fpcls {

/// What came of one ratio.
struct RatioTrial {
  double ratio = 0;       ///< asked for
  double cost = 0;        ///< left of whatever is removed, in any unit
  double shift_points = 0;  ///< the most that any figure moved, up or down, in points
};

struct RatioSearch {
  double max_shift_points = 0;
  double budget_s = 0;  ///< no trial begins that would probably end later; 0: as long as it takes
  /// The search ends where the answer is known to a hundredth.
  double resolution = 0.01;
};

struct RatioAnswer {
  std::vector<RatioTrial> trials;  ///< in the order they were made
  std::optional<size_t> best;      ///< of `trials`: the largest ratio that stays within
  bool out_of_time = false;        ///< the budget ended the search
};

/// Halves the ratios between 0 and 1: more where the last stayed within, less where it didn't. That
/// shifts grow with the ratio is assumed; what is answered was measured in any case.
///
/// `attempt` gives none where a ratio can't be reached. `seconds` is the time since the search
/// began.
RatioAnswer search_ratio(const RatioSearch& search,
                         const std::function<std::optional<RatioTrial>(double ratio)>& attempt,
                         const std::function<double()>& seconds);

/// For each trial whether no other is at least as good in cost and in shift and better in one.
std::vector<bool> pareto_set(const std::vector<RatioTrial>& trials);

}  // namespace fpcls
