#pragma once

#include <optional>
#include <vector>

#include "graph/graph.h"
#include "graph/preprocessing.h"

/// A quick look at how long networks take here; `bench` says it with more care. Internal to this
/// folder.
namespace fpcls {

/// For each network the median of milliseconds for one picture, by the engine with `threads`
/// threads: a dozen runs or half a second, in turns, so that whatever else the machine does meets
/// them all. Absent where the engine can't run the network.
std::vector<std::optional<double>> quick_latencies_ms(const std::vector<const Graph*>& graphs,
                                                      const Preprocessing& preprocessing,
                                                      int threads);

}  // namespace fpcls
