#include "compress/channel_selection.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/text.h"

namespace fpcls {
namespace {

size_t at_index(int index) { return static_cast<size_t>(index); }

constexpr int kAutomaticMultiple = 16;
constexpr double kRoundedFromShare = 0.25;
constexpr int64_t kRoundedFromGroup = 64;
constexpr double kMayMiss = 0.005;  // of what is to be removed
// The floor of a count of channels holds for groups that are some times as large.
constexpr int64_t kSmallGroup = 8;

double amount(PruneUnit unit, const ModelCosts& costs) {
  switch (unit) {
    case PruneUnit::channels:
      return static_cast<double>(costs.channels);
    case PruneUnit::params:
      return static_cast<double>(costs.parameters);
    case PruneUnit::macs:
      return static_cast<double>(costs.macs);
    case PruneUnit::bytes:
      return static_cast<double>(costs.size_bytes);
    case PruneUnit::latency:
      break;
  }
  if (!costs.latency_ms) {
    fail("latency: isn't known from the graph alone; measure its layers, or remove a share of the "
         "macs");
  }
  return *costs.latency_ms;
}

/// Groups whose units are in the same places of the same kinds of layers are of one structure.
std::string structure_of(const Graph& graph, const ChannelGroups& groups,
                         const ChannelGroup& group) {
  const std::set<int> units(group.units.begin(), group.units.end());
  std::multiset<std::string> parts;
  for (int i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    for (const WeightAxis& axis : weight_axes(graph, groups, i)) {
      const bool touches = std::any_of(axis.units.begin(), axis.units.end(),
                                       [&](int unit) { return units.count(unit) != 0; });
      if (!touches || axis.key != "weight") continue;
      Shape kernel = node.weight("weight").shape();
      kernel.erase(kernel.begin(), kernel.begin() + (kernel.size() == 4 ? 2 : 1));
      if (node.op != Op::conv) kernel.clear();
      parts.insert(fmt::format("{}{}{}", enum_name(node.op), shape_text(kernel), axis.of_input));
    }
  }
  std::string text;
  for (const std::string& part : parts) text += part + " ";
  return text;
}

/// For each group that may lose any, how many units it keeps.
using Counts = std::map<int, int64_t>;

class Selector {
 public:
  Selector(const Graph& graph, const ChannelGroups& groups, const CostModel& model,
           const std::vector<double>& importance, const std::vector<bool>& present,
           const PruneGoal& goal, const ChannelSelectionOptions& options)
      : graph_(graph),
        groups_(groups),
        model_(model),
        importance_(importance),
        present_(present),
        goal_(goal),
        options_(options) {
    FPCLS_CHECK(importance.size() == present.size());
    if (!(goal.ratio >= 0 && goal.ratio < 1)) {
      fail("{}={}: expected 0 to below 1, the share to remove", enum_name(goal.unit), goal.ratio);
    }
    std::map<std::string, std::vector<int>> classes;
    for (size_t g = 0; g < groups.groups.size(); ++g) {
      if (!options.ignored.empty() && options.ignored[g]) continue;
      const std::string key = options.scope == PruneScope::uniform
                                  ? fmt::format("{}", g)
                                  : structure_of(graph, groups, groups.groups[g]);
      classes[key].push_back(static_cast<int>(g));
    }
    for (auto& [key, members] : classes) classes_.push_back(std::move(members));
  }

  ChannelSelection select() {
    if (goal_.ratio == 0) return with(present_);
    if (classes_.empty()) fail("no channel can go: all layers are ignored or fixed; remove 0");
    if (direct()) {
      check_not_emptied();
      return with(keep_of(counts_at(goal_.ratio)));
    }
    return search();
  }

 private:
  bool direct() const {
    return options_.scope == PruneScope::uniform && goal_.unit == PruneUnit::channels;
  }

  ChannelSelection with(std::vector<bool> keep) const {
    const ModelCosts costs = model_.costs(keep);
    return {std::move(keep), costs};
  }

  void check_not_emptied() const {
    for (const std::vector<int>& members : classes_) {
      const ChannelGroup& group = groups_.groups[at_index(members[0])];
      const auto count = static_cast<double>(group.units.size());
      // What hangs together so that none of it can go alone stays.
      if (count == 1 || std::lround(count * (1 - goal_.ratio)) >= 1) continue;
      fail("channels={}: would leave layer {} none of its {} channels; remove at most {:.4g}, or "
           "ignore the layer",
           goal_.ratio, quoted(graph_.node(group.producers[0]).name), group.units.size(),
           std::floor(1e4 * (1 - 0.5 / count)) / 1e4);
    }
  }

  /// Rounding is given up where the goal falls between two multiples.
  ChannelSelection search() {
    ChannelSelection best = search_share();
    const bool fixed_widths = options_.round_to != 0 || !options_.widths.empty();
    if (fixed_widths || distance(best) <= kMayMiss) return best;
    rounds_ = false;
    ChannelSelection exact = search_share();
    return distance(exact) < distance(best) ? exact : best;
  }

  double distance(const ChannelSelection& selection) const {
    return std::abs(removed_ratio(goal_.unit, model_.dense(), selection.costs) - goal_.ratio);
  }

  /// With the share that groups lose for which what goes is nearest to the goal.
  ChannelSelection search_share() const {
    Counts best_counts = counts_at(1);
    ChannelSelection best = with(keep_of(best_counts));
    check_reachable(best);
    const auto consider = [&](Counts counts) {
      ChannelSelection next = with(keep_of(counts));
      const bool less = removed_ratio(goal_.unit, model_.dense(), next.costs) < goal_.ratio;
      if (distance(next) < distance(best)) {
        best = std::move(next);
        best_counts = std::move(counts);
      }
      return less;
    };
    double low = 0, high = 1;
    constexpr int kHalvings = 24;  // finer than a channel in ten million
    for (int i = 0; i < kHalvings; ++i) {
      const double middle = (low + high) / 2;
      (consider(counts_at(middle)) ? low : high) = middle;
    }
    // Where groups are small many lose their next channel at the same share, or one that much hangs
    // on: some lose one more or one less.
    for (size_t i = 0; i < groups_.groups.size() && distance(best) > kMayMiss; ++i) {
      const double before = distance(best);
      const Counts counts = best_counts;
      for (const auto& [g, count] : counts) {
        for (const int64_t other : {next_below(g, count), next_above(g, count)}) {
          Counts next = counts;
          next[g] = other;
          if (may_keep(g, other)) consider(std::move(next));
        }
      }
      if (distance(best) == before) break;
    }
    if (goal_.unit == PruneUnit::latency) give_back(best, best_counts);
    return best;
  }

  /// Gives groups back what costs no time: beside the widths that the others have now, a wider one
  /// may be as quick.
  void give_back(ChannelSelection& best, Counts& counts) const {
    for (bool changed = true; changed;) {
      changed = false;
      for (auto& [g, count] : counts) {
        for (int64_t wider = next_above(g, count); may_keep(g, wider);
             wider = next_above(g, wider)) {
          Counts next = counts;
          next[g] = wider;
          ChannelSelection other = with(keep_of(next));
          if (*other.costs.latency_ms > *best.costs.latency_ms) continue;
          best = std::move(other);
          count = wider;
          changed = true;
        }
      }
    }
  }

  int64_t next_below(int g, int64_t count) const {
    if (options_.widths.empty()) return count - multiple_of(count, size_of(g));
    const std::vector<int64_t>& widths = options_.widths[at_index(g)];
    const auto here = std::lower_bound(widths.begin(), widths.end(), count);
    return here == widths.begin() ? 0 : *std::prev(here);
  }

  int64_t next_above(int g, int64_t count) const {
    if (options_.widths.empty()) return count + multiple_of(count, size_of(g));
    const std::vector<int64_t>& widths = options_.widths[at_index(g)];
    const auto above = std::upper_bound(widths.begin(), widths.end(), count);
    return above == widths.end() ? size_of(g) + 1 : *above;
  }

  void check_reachable(const ChannelSelection& most) const {
    const double reachable = removed_ratio(goal_.unit, model_.dense(), most.costs);
    if (reachable >= goal_.ratio) return;
    fail("{}={}: at most {:.4f} can go{} remove less", enum_name(goal_.unit), goal_.ratio,
         std::floor(1e4 * reachable) / 1e4,
         options_.scope == PruneScope::global
             ? fmt::format(", since each group keeps a share of {} and up to {} of its channels; "
                           "lower --floor and --min-channels, or",
                           options_.floor_ratio, options_.floor_count)
             : ";");
  }

  /// Whether a group may be left this many units.
  bool may_keep(int g, int64_t count) const {
    const std::vector<int>& units = groups_.groups[at_index(g)].units;
    const auto there = std::count_if(units.begin(), units.end(),
                                     [&](int unit) { return present_[at_index(unit)]; });
    return count >= least_of(g) && count <= there && rounded(g, count) == count;
  }

  int64_t least_of(int g) const {
    return options_.scope == PruneScope::global ? floor_of(size_of(g)) : 1;
  }

  /// How many units each group keeps where each class of groups loses `share` of its units.
  Counts counts_at(double share) const {
    Counts counts;
    for (const std::vector<int>& members : classes_) {
      for (const auto& [g, count] : class_counts(members, share)) counts[g] = count;
    }
    return counts;
  }

  std::vector<bool> keep_of(const Counts& counts) const {
    std::vector<bool> keep = present_;
    for (const auto& [g, count] : counts) keep_best(groups_.groups[at_index(g)], count, keep);
    fill_empty(keep);
    return keep;
  }

  Counts class_counts(const std::vector<int>& members, double share) const {
    Counts counts;
    if (options_.scope == PruneScope::uniform) {
      const auto count = static_cast<double>(size_of(members[0]));
      counts[members[0]] = std::max<int64_t>(1, std::lround(count * (1 - share)));
    } else {
      counts = ranked_counts(members, share);
    }
    for (auto& [g, count] : counts) {
      count = rounded(g, count);
    }
    return counts;
  }

  /// The least important units of all the class's groups go first, but of no group too many.
  Counts ranked_counts(const std::vector<int>& members, double share) const {
    Counts counts, floors;
    std::vector<std::pair<double, int>> ranking;  // importance, group
    int64_t gone = 0;
    for (const int g : members) {
      const std::vector<int>& units = groups_.groups[at_index(g)].units;
      const auto whole = static_cast<int64_t>(units.size());
      for (const int unit : units) {
        if (present_[at_index(unit)]) {
          ranking.emplace_back(importance_[at_index(unit)], g);
          ++counts[g];
        } else {
          ++gone;
        }
      }
      floors[g] = floor_of(whole);
    }
    std::stable_sort(ranking.begin(), ranking.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto whole = static_cast<double>(gone) + static_cast<double>(ranking.size());
    int64_t left = std::llround(share * whole) - gone;
    for (const auto& [value, g] : ranking) {
      if (left <= 0) break;
      if (counts[g] <= floors[g]) continue;
      --counts[g];
      --left;
    }
    return counts;
  }

  int64_t floor_of(int64_t whole) const {
    const auto part = std::llround(std::ceil(static_cast<double>(whole) * options_.floor_ratio));
    const int64_t few = std::min<int64_t>(options_.floor_count, whole / kSmallGroup);
    return std::max<int64_t>({part, few, 1});
  }

  int64_t size_of(int g) const {
    return static_cast<int64_t>(groups_.groups[at_index(g)].units.size());
  }

  /// What the number of units that stay of a group, about `count`, is a multiple of.
  int64_t multiple_of(int64_t count, int64_t whole) const {
    int64_t multiple = options_.round_to;
    if (multiple == 0) {
      const bool enough =
          static_cast<double>(count) >= kRoundedFromShare * static_cast<double>(whole);
      const bool rounds = rounds_ && !direct() && enough && whole >= kRoundedFromGroup;
      multiple = rounds ? kAutomaticMultiple : 1;
    }
    return whole <= multiple ? 1 : multiple;
  }

  int64_t rounded(int g, int64_t count) const {
    const int64_t whole = size_of(g);
    if (!options_.widths.empty()) {
      const int64_t width = nearest(options_.widths[at_index(g)], count);
      return width < least_of(g) ? next_above(g, least_of(g) - 1) : width;
    }
    const int64_t multiple = multiple_of(count, whole);
    if (multiple == 1) return count;
    return std::clamp((count + multiple / 2) / multiple * multiple, multiple, whole);
  }

  /// Of two as near the larger.
  static int64_t nearest(const std::vector<int64_t>& widths, int64_t count) {
    const auto above = std::lower_bound(widths.begin(), widths.end(), count);
    if (above == widths.end()) return widths.back();
    if (above == widths.begin()) return *above;
    return *above - count <= count - *std::prev(above) ? *above : *std::prev(above);
  }

  void keep_best(const ChannelGroup& group, int64_t count, std::vector<bool>& keep) const {
    std::vector<int> units;
    for (const int unit : group.units) {
      if (present_[at_index(unit)]) units.push_back(unit);
    }
    std::stable_sort(units.begin(), units.end(), [&](int a, int b) {
      return importance_[at_index(a)] > importance_[at_index(b)];
    });
    for (size_t i = static_cast<size_t>(std::max<int64_t>(count, 0)); i < units.size(); ++i) {
      keep[at_index(units[i])] = false;
    }
  }

  /// A result that would lose all its channels (they may be few of a larger group) keeps its best.
  void fill_empty(std::vector<bool>& keep) const {
    for (const ChannelAxis& axis : groups_.axes) {
      if (axis.units.empty()) continue;
      int best = kFixed;
      bool empty = true;
      for (const int unit : axis.units) {
        if (unit == kFixed || keep[at_index(unit)]) {
          empty = false;
          break;
        }
        if (!present_[at_index(unit)]) continue;
        const bool first = best == kFixed;
        if (first || importance_[at_index(unit)] > importance_[at_index(best)]) best = unit;
      }
      if (empty) keep[at_index(best)] = true;
    }
  }

  const Graph& graph_;
  const ChannelGroups& groups_;
  const CostModel& model_;
  const std::vector<double>& importance_;
  const std::vector<bool>& present_;
  const PruneGoal goal_;
  const ChannelSelectionOptions& options_;
  std::vector<std::vector<int>> classes_;  ///< groups whose units compete
  bool rounds_ = true;                     ///< where that is automatic
};

}  // namespace

double removed_ratio(PruneUnit unit, const ModelCosts& before, const ModelCosts& after) {
  return 1 - amount(unit, after) / amount(unit, before);
}

ChannelSelection select_channels(const Graph& graph, const ChannelGroups& groups,
                                 const CostModel& model, const std::vector<double>& importance,
                                 const std::vector<bool>& present, const PruneGoal& goal,
                                 const ChannelSelectionOptions& options) {
  return Selector(graph, groups, model, importance, present, goal, options).select();
}

}  // namespace fpcls
