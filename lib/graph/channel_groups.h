#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

/// Which channels of a network have to be removed together.
///
/// A *unit* is the smallest set of channels that can go while the network stays sound: where two
/// results are added both lose the same channel, where a depthwise convolution reads a channel it
/// loses the filter too. A *channel group* is what one decision is about: all units that the same
/// layers produce. What the network reads and what it answers is fixed.
///
/// Grouped convolutions lose whole groups (of inputs and outputs) where they have at least as many
/// groups as inputs in each, else the same places of every group. Where a reshape splits channels
/// over two axes (a channel shuffle), the places along the longer one go, with everything that lies
/// on them. Attention (matmul) and a softmax over channels fix what they read.
namespace fpcls {

/// In place of a unit: a channel that stays.
constexpr int kFixed = -1;

/// The axis of a result along which places can be removed.
struct ChannelAxis {
  int axis = -1;           ///< -1: nothing of the result can go, and `units` is empty
  std::vector<int> units;  ///< for each place along the axis its unit, or kFixed
};

struct ChannelGroup {
  std::vector<int> producers;  ///< the conv and linear nodes that the units are outputs of
  std::vector<int> units;      ///< ascending
};

struct ChannelGroups {
  std::vector<ChannelAxis> axes;  ///< for each node's result
  int unit_count = 0;             ///< units are numbered from 0
  std::vector<ChannelGroup> groups;
  /// For each node whether it is a grouped convolution that loses whole groups.
  std::vector<bool> whole_groups;
};

ChannelGroups find_channel_groups(const Graph& graph);

/// The groups of the graph that is left when only the units stay of which `keep` is true. Units
/// keep their numbers.
ChannelGroups remaining_groups(const ChannelGroups& groups, const std::vector<bool>& keep);

/// An axis of one of a node's weights whose places go with units.
struct WeightAxis {
  std::string key;         ///< of the weight
  size_t axis = 0;         ///< of the weight
  std::vector<int> units;  ///< for each place along it
  bool of_input = false;   ///< the places belong to what the node reads, not to its result
};

/// Every such axis of `node`, outputs first.
std::vector<WeightAxis> weight_axes(const Graph& graph, const ChannelGroups& groups, int node);

}  // namespace fpcls
