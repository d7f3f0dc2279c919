#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "model/weight_finder.h"

/// One function for each family of networks that weights can be named after. Internal to this
/// folder; each makes the graph of `architecture`, one of its family, as `graph_from_weights` says.
namespace fpcls {

Graph resnet_from_weights(const std::string& architecture, WeightFinder& weights, int height,
                          int width, const std::string& where);

/// What `mobile_from_weights` knows.
std::vector<std::string> mobile_architectures();
Graph mobile_from_weights(const std::string& architecture, WeightFinder& weights, int height,
                          int width, const std::string& where);

}  // namespace fpcls
