#pragma once

#include <vector>

#include "graph/graph.h"

/// How places along one axis of a result follow from those of the inputs, for the ops that only
/// move numbers. Internal to this folder.
namespace fpcls {

/// A place along the chosen axis of one of the node's inputs.
struct PlaceSource {
  int input = 0;  ///< number of the input; kPadding: no input but a constant
  int place = 0;
};
constexpr int kPadding = -1;

struct LayoutMap {
  int axis = -1;  ///< of the result; -1: no axis carries the places on
  /// For each place along the axis everything that lies on it.
  std::vector<std::vector<PlaceSource>> sources;
};

/// For concat, flatten, reshape, permute, slice and pad. `axes` are those of the inputs along which
/// places are told apart, -1 where they are not.
LayoutMap map_layout(const Graph& graph, int node, const std::vector<int>& axes);

bool only_moves(Op op);

}  // namespace fpcls
