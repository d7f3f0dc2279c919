#pragma once

#include <string>

#include "graph/graph.h"

/// Any layer as the output: what is looked at layer by layer, or timed as a part of its own.
namespace fpcls {

/// The graph whose one output is the layer `name`, with only the nodes that this layer needs, in
/// their order. An empty `name` gives the graph as it is. Throws Error where there is no such
/// layer, naming one that is spelled alike, and where it is the input itself.
Graph with_output(const Graph& graph, const std::string& name);

}  // namespace fpcls
