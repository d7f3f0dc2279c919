#pragma once

#include <optional>
#include <vector>

#include "graph/channel_groups.h"

/// Which channels hold the same number for every picture, such as those whose batch norm has weight
/// 0: they can be removed, and what they said becomes part of the next bias.
namespace fpcls {

struct ChannelConstant {
  double value = 0;
  /// Whether every place of the channel holds `value`. Where a convolution pads a constant with
  /// zeros the places at the border hold something else; where a channel shuffle lays several
  /// channels on one place `value` is their mean.
  bool everywhere = true;
};

/// For each place along one node's `ChannelAxis` its constant, where it has one.
using ChannelConstants = std::vector<std::optional<ChannelConstant>>;

/// For each node's result. Only what follows from the weights alone is found.
std::vector<ChannelConstants> find_constant_channels(const Graph& graph,
                                                     const ChannelGroups& groups);

}  // namespace fpcls
