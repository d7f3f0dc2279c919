#pragma once

#include <string>
#include <vector>

#include "graph/channel_groups.h"

/// Removing channels: a pass from a graph and the units that stay to a smaller graph.
namespace fpcls {

struct Cut {
  Graph graph;
  /// Layers that read removed channels which held a constant other than 0, where taking that into
  /// the bias isn't exact: a padded convolution saw zeros instead at the border, a layer norm took
  /// the channel into its mean, a channel shuffle tied channels of different constants.
  std::vector<std::string> inexact;
};

/// `graph` with only those units of which `keep`, one for each unit, is true. Removing channels
/// that hold 0 changes nothing; what other constant channels said is added to the next bias (or
/// taken from the running mean of the batch norm behind it), so that removing them changes nothing
/// either but for the layers in `inexact`. Throws Error where a layer would be left without
/// channels.
Cut cut_channels(const Graph& graph, const ChannelGroups& groups, const std::vector<bool>& keep);

}  // namespace fpcls
