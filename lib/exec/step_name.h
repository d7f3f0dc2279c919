#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

/// What people call one step of an executor, which may do the work of several nodes.
namespace fpcls {

struct StepName {
  std::string name;  ///< of its only conv or linear; where there isn't just one, of its result
  std::string op;    ///< "conv+add+relu"
  int64_t macs = 0;  ///< of all its nodes, for one picture
};

/// The nodes between `inputs` (left out) and `result`, ascending. A path that meets none of the
/// inputs goes on to the graph's input, which is never among them.
std::vector<int> nodes_between(const Graph& graph, const std::vector<int>& inputs, int result);

StepName step_name(const Graph& graph, const std::vector<int>& inputs, int result);

}  // namespace fpcls
