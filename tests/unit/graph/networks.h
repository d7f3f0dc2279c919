#pragma once

#include <cstdint>
#include <vector>

#include "graph/channel_groups.h"

/// Networks put together at random from the parts that image classifiers have, for tests of passes.
namespace fpcls {

struct NetworkParts {
  bool padded = true;   ///< convolutions of 3 x 3 keep the size
  bool grouped = true;  ///< grouped convolutions, whose units are a choice
  bool clamps = true;   ///< activations that are flat above some value
  bool shuffles = true;
};

Graph random_network(uint64_t seed, NetworkParts parts = {});

/// About `share` of the units removed, but of no result all channels.
std::vector<bool> random_keep(const Graph& graph, const ChannelGroups& groups, double share,
                              uint64_t seed);

}  // namespace fpcls
