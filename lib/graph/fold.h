#pragma once

#include "graph/graph.h"

/// Batch norm as part of the convolution before it: with running statistics both are linear, so one
/// layer with other weights gives the same result (up to rounding) without a pass over memory.
namespace fpcls {

struct FoldedWeights {
  Tensor weight;  ///< of the convolution's shape
  Tensor bias;    ///< {O}; there even where the convolution had none
};

/// The weights of a conv or linear (f32, output channels first) with `norm`'s after it:
/// weight * s and (bias - mean) * s + beta, s = gamma / sqrt(var + epsilon), computed in double.
/// Numbers too small for a normal float become 0: arithmetic on them takes up to a hundred times
/// as long, and they change nothing.
FoldedWeights fold_batch_norm(const Node& layer, const Node& norm);

/// For each node, the batch norm that can be folded into it, or -1: the only reader of a conv
/// that isn't an output.
std::vector<int> foldable_batch_norms(const Graph& graph);

/// The graph with every such batch norm folded away. The convolution keeps its name.
Graph fold_batch_norms(const Graph& graph);

/// The graph with every weight that isn't a normal float set to 0.
Graph scrub_denormals(const Graph& graph);

}  // namespace fpcls
