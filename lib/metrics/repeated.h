#pragma once

#include <optional>
#include <vector>

/// What repeated runs say of a measurement of which less is better, such as milliseconds: did it
/// grow by more than a limit? One run a side says nothing: the machine's mood is in it. Exact rank
/// test (Mann and Whitney 1947) on the ratios of all pairs, so that no distribution is assumed.
namespace fpcls {

/// One figure a run, all > 0.
struct Repeats {
  std::vector<double> base;
  std::vector<double> candidate;
};

/// P(U >= u) where `n` figures fall at random among `m` others and U counts the pairs in which the
/// first is larger.
double rank_upper_tail(int u, int n, int m);

/// Median of the pairs' ratios less 1: 0.05 is five percent more (Hodges and Lehmann 1963).
double growth(const Repeats& repeats);

/// p-value of "the candidate needs at most 1 + limit times as much": small where it needs more.
/// Ties count against the answer, which can only make p larger.
double p_growth_at_most(const Repeats& repeats, double limit);
/// p-value of "at least 1 + limit times as much".
double p_growth_at_least(const Repeats& repeats, double limit);

/// What the growth is above, or below, but for a risk of `risk`; absent where there are too few
/// runs for any answer at that risk. It lies beyond a limit exactly where the p-value is at most
/// `risk`.
std::optional<double> growth_lower_bound(const Repeats& repeats, double risk);
std::optional<double> growth_upper_bound(const Repeats& repeats, double risk);

}  // namespace fpcls
