#pragma once

#include <vector>

#include "graph/graph.h"

/// Which channels must go together, found by trying: without looking at what an op means.
namespace fpcls::naive {

/// The set that each output channel of each conv and linear belongs to.
struct Dependency {
  int node = 0;
  int channel = 0;
  int set = 0;
  bool fixed = false;
};

/// Gives every conv and linear (but depthwise ones, which mix nothing) outputs made up at random,
/// changes one channel of them at a time and looks what else changes up to the next such layer.
/// Channels that change the same number belong together; what changes an output of the network, or
/// a number that the picture changes too, is fixed. Bad for activations that are flat above some
/// value.
std::vector<Dependency> find_dependencies(const Graph& graph);

}  // namespace fpcls::naive
