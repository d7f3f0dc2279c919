#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

/// A graph as a TorchScript program that computes the same: the way back to Python.
namespace fpcls {

/// A tensor of the program: an attribute of a module.
struct ScriptWeight {
  std::vector<std::string> path;  ///< modules from the top, then the attribute's name
  Tensor value;
  bool is_parameter = false;
};

struct ScriptSource {
  std::string forward;  ///< the method's code
  std::vector<ScriptWeight> weights;
};

/// Modules and tensors are named as the graph's layers are, so that the state dict is the one the
/// model came with; letters that no module's name can have become underscores. Several outputs
/// become a tuple. Throws Error naming the layer whose op TorchScript has no equal for.
ScriptSource script_source(const Graph& graph);

}  // namespace fpcls
