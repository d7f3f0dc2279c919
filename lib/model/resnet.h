#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

/// The ResNet family: residual networks of any depth and width, with torchvision's layer names, so
/// that its weights fit. He et al. 2016 (ResNet), Xie et al. 2017 (ResNeXt), Zagoruyko and
/// Komodakis 2016 (wide ResNet); the stride of a bottleneck is in its 3x3 convolution, as in
/// torchvision.
namespace fpcls {

struct ResNetSpec {
  std::string architecture = "resnet18";  ///< one of `resnet_architectures()`
  /// Scales every layer's channels: the first convolution has 64 times this, rounded to a multiple
  /// of 8 and at least 8.
  double width_multiplier = 1;
  int outputs = 1;
  int height = 224;
  int width = 224;
  uint64_t seed = 0;  ///< of the initial weights
};

/// The graph with initial weights (`with_initial_weights`). Input "input", output "logits".
Graph build_resnet(const ResNetSpec& spec);

/// The members of the family.
std::vector<std::string> resnet_architectures();

}  // namespace fpcls
