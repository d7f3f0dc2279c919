#pragma once

#include <vector>

#include "graph/graph.h"

/// Which nodes of a graph become one kernel: a convolution or linear layer with the batch norm that
/// is folded into it, the shortcut that is added to it and the activation after that.
namespace fpcls {

/// What a kernel does to its result before storing it.
struct FusedOp {
  int node = 0;    ///< an activation, or an addition
  int other = -1;  ///< for an addition: the node whose result is added
};

struct FusedStep {
  int anchor = 0;           ///< the node whose op it is
  int result = 0;           ///< the last node that was fused: the one whose result it gives
  int norm = -1;            ///< the batch norm folded into the anchor's weights
  int rounding = -1;        ///< the quantize node whose integers it stores; i8 layers only
  std::vector<int> inputs;  ///< those of the anchor
  std::vector<FusedOp> epilogue;

  /// All results that it reads.
  std::vector<int> reads() const;
};

/// The steps that compute the first output, in order of execution; every step's result is read by
/// a later one or is the output. The input has no step.
std::vector<FusedStep> fuse(const Graph& graph);

}  // namespace fpcls
