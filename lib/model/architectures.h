#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "model/safetensors.h"

/// torchvision's networks that can be rebuilt from their weights alone: the ResNet family,
/// MobileNet v2 (Sandler et al. 2018), EfficientNet (Tan and Le 2019) and RegNet (Radosavovic et
/// al. 2020). Layer names are torchvision's.
namespace fpcls {

/// The graph with the `weights` of a PyTorch state dict; channels and number of outputs are those
/// of the weights. Throws Error, beginning with `where`, that lists missing, unexpected and
/// misshapen tensors.
Graph graph_from_weights(const std::string& architecture, const TensorMap& weights, int height,
                         int width, const std::string& where);

std::vector<std::string> known_architectures();

}  // namespace fpcls
