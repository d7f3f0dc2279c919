#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "compress/model_costs.h"
#include "graph/channel_groups.h"

/// Choosing the channels that go, so that a given share of something goes with them.
namespace fpcls {

/// What is removed a share of.
enum class PruneUnit { channels, params, macs, bytes, latency };

template <>
struct EnumNames<PruneUnit> {
  static constexpr std::pair<PruneUnit, std::string_view> entries[] = {
      {PruneUnit::channels, "channels"},
      {PruneUnit::params, "params"},
      {PruneUnit::macs, "macs"},
      {PruneUnit::bytes, "bytes"},
      {PruneUnit::latency, "latency"}};
};

/// Which channels compete with each other.
enum class PruneScope {
  global,   ///< those of all groups of the same structure (Fang et al. 2024, isomorphic pruning)
  uniform,  ///< those of one group: every group loses the same share
};

template <>
struct EnumNames<PruneScope> {
  static constexpr std::pair<PruneScope, std::string_view> entries[] = {
      {PruneScope::global, "global"}, {PruneScope::uniform, "uniform"}};
};

struct PruneGoal {
  PruneUnit unit = PruneUnit::macs;
  double ratio = 0.5;  ///< removed, 0 to below 1, of the whole network's
};

struct ChannelSelectionOptions {
  PruneScope scope = PruneScope::global;
  /// Channels left in a group are a multiple of this; 1: any number; 0: multiples of 16 where at
  /// least a quarter of a group of 64 or more stays, unless the goal would be missed by more than
  /// half a point, and any number where `uniform` removes a share of the channels.
  int round_to = 0;
  double floor_ratio = 0.1;  ///< `global` leaves each group at least this share of its units …
  int floor_count = 8;       ///< … and this many, of small groups an eighth
  std::vector<bool> ignored;  ///< for each group, whether it stays whole; empty: none does
  /// For each group how many units may stay, ascending, in place of `round_to`; empty: any number.
  std::vector<std::vector<int64_t>> widths;
};

struct ChannelSelection {
  std::vector<bool> keep;  ///< for each unit
  ModelCosts costs;        ///< of what is left
};

/// The share that `goal.unit` loses from `before` to `after`.
double removed_ratio(PruneUnit unit, const ModelCosts& before, const ModelCosts& after);

/// Keeps the most important units of each group. `uniform` with a share of the channels removes
/// that share of each group's units, rounded; in all other cases the share that the groups lose is
/// searched for, such that what `goal` asks for comes out as nearly as whole channels allow. No
/// result loses all of its channels. Units of which `present` is false are gone already and count
/// as removed; the rest is taken from what is there.
///
/// Where the goal is about latency, no group is left with fewer units than it could have without
/// the network becoming slower.
///
/// Throws Error where a group would be left empty, where the goal can't be reached, and for latency
/// where `model` knows no times.
ChannelSelection select_channels(const Graph& graph, const ChannelGroups& groups,
                                 const CostModel& model, const std::vector<double>& importance,
                                 const std::vector<bool>& present, const PruneGoal& goal,
                                 const ChannelSelectionOptions& options);

}  // namespace fpcls
