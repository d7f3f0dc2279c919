#pragma once

#include <string>

#include "graph/graph.h"

/// A picture of a network: a box a layer, an arrow a result.
namespace fpcls {

/// In Graphviz's language.
std::string graph_dot(const Graph& graph);

/// Writes the picture to `path`: the text itself for .dot and .gv, drawn by Graphviz's program
/// `dot` for .svg, .png and .pdf. Throws Error for another ending, and where `dot` is missing or
/// fails.
void draw_graph(const Graph& graph, const std::string& path);

}  // namespace fpcls
