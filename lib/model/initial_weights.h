#pragma once

#include <cstdint>

#include "graph/graph.h"

/// The weights that a training from scratch begins with.
namespace fpcls {

/// The same network with initial weights: convolutions normal with variance 2 / fan-out (He et al.
/// 2015) and without bias, linear layers uniform within 1 / sqrt(fan-in), both as torchvision's
/// ResNets begin; norms and learned factors the identity. What isn't trained, such as the numbers
/// of a normalisation, stays. Each tensor has a seed of its own that derives from `seed`, so none
/// depends on the size of those before it. Throws Error, naming the layer, for a network
/// with int8 or bf16 weights.
Graph with_initial_weights(const Graph& graph, uint64_t seed);

}  // namespace fpcls
