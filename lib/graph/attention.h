#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

/// Where a network looks: a result's mean square over its channels, a map with one number a place.
/// It can be compared between networks of different widths (Zagoruyko and Komodakis 2017,
/// arXiv:1612.03928).
namespace fpcls {

/// Layers of `student` whose attention can be compared with that of the layers of the same names in
/// `teacher`: for each height and width, in the order of execution, the last layer that all data
/// passes through in both networks and whose result has that height and width in both. The input is
/// none of them, nor is a result of one place, whose attention says nothing.
std::vector<std::string> shared_attention_layers(const Graph& student, const Graph& teacher);

/// Numbers of the attention maps of `layers`: the sum of their heights times widths.
int64_t attention_size(const Graph& graph, const std::vector<std::string>& layers);

/// The network whose one output is {1, outputs + attention_size}: the first output, {1, outputs},
/// then the attention of `layers`, map after map in row-major order, for any executor to compute.
/// Throws Error for a layer that isn't there or whose result isn't {1, C, H, W}.
Graph with_attention(const Graph& graph, const std::vector<std::string>& layers);

}  // namespace fpcls
