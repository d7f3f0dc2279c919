#pragma once

#include <cstdint>
#include <optional>

#include "metrics/intervals.h"

/// Two classifiers on the same pictures: by how much did the share of right answers fall, and how
/// sure is that? Only the pictures on which they disagree say anything; two averages with their
/// separate intervals throw the pairing away and need many times the pictures.
///
/// The test is exact: whatever the sizes, it errs with at most the stated risk. Of n pictures, lost
/// ones have probability q + drop and gained ones q. For a supposed drop the pairs of counts are
/// ordered by the score statistic (Tango 1998), and the p-value is the largest probability, over
/// q, of counts at least as extreme as those seen (Hsueh, Liu and Chen 2001). q is held to its
/// exact interval with a risk of kNuisanceRisk, which is added to the p-value (Berger and Boos
/// 1994). A supposed drop that no test at a given risk speaks against lies in the interval.
namespace fpcls {

/// How two runs answered the same `n` pictures.
struct PairedCounts {
  int64_t n = 0;
  int64_t lost = 0;    ///< right before, wrong now
  int64_t gained = 0;  ///< wrong before, right now

  /// Share of right answers lost less gained, -1..1; n >= 1.
  double drop() const { return static_cast<double>(lost - gained) / static_cast<double>(n); }
};

constexpr double kNuisanceRisk = 1e-6;
/// The largest probability over q is sought at this many places of its interval, evenly spaced with
/// both ends. More of them move a p-value by less than a hundredth of itself.
constexpr int kNuisancePlaces = 33;

/// Two-sided exact p-value of "as many lost as gained" (McNemar 1947): that of a fair coin thrown
/// lost + gained times. 1 where nothing differs.
double mcnemar_p(const PairedCounts& counts);

/// p-value of "the drop is at most `margin`" (-1 < margin < 1): small where it is larger; n >= 1.
double p_drop_at_most(const PairedCounts& counts, double margin);

/// p-value of "the drop is at least `margin`": small where it is smaller.
double p_drop_at_least(const PairedCounts& counts, double margin);

/// What the drop is above, but for a risk of `risk` (0 < risk < 0.5), to 1e-10. It is at or above
/// `margin` exactly where `p_drop_at_most(counts, margin) <= risk`, so that what is shown and what
/// is decided agree.
double drop_lower_bound(const PairedCounts& counts, double risk, double margin);

/// What the drop is below, but for a risk of `risk`.
double drop_upper_bound(const PairedCounts& counts, double risk, double margin);

/// Pictures, all together, with which a test of risk `risk` would in 8 of 10 cases tell the drop
/// from `margin`, were the shares of lost and gained pictures what they seem to be now (with one
/// changed picture more, lest a few that all changed one way look like certainty). Normal
/// approximation (Connor 1987), but never less than the exact test needs when nothing changes.
/// Absent where the drop is so near the margin that more than 1e9 were needed.
std::optional<int64_t> pictures_needed(const PairedCounts& counts, double margin, double risk);

}  // namespace fpcls
