#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "graph/node.h"

/// What each op of a graph means, in ATen's terms: the reference that everything faster is compared
/// with, and what training differentiates.
namespace fpcls {

/// A node's weights on the device that computes.
using NodeWeights = std::map<std::string, at::Tensor>;

struct OpMode {
  bool training = false;  ///< batch norm uses the batch's statistics and updates the running ones
  bool bf16 = false;      ///< conv, linear and matmul multiply in bf16 and give bf16
};

/// The result of `node` for `inputs`.
at::Tensor apply(const Node& node, const NodeWeights& weights,
                 const std::vector<at::Tensor>& inputs, const OpMode& mode = {});

/// What a layer with bf16 weights reads: each number of `x`, f32, rounded, as f32.
at::Tensor rounded_to_bf16(const at::Tensor& x);

/// `x` with `padding` more rows and columns of `value`.
at::Tensor padded(const at::Tensor& x, const Padding& padding, double value);

/// Whether both ends of each axis are padded alike, which is all that libtorch's own ops can do.
inline bool is_symmetric(const Padding& padding) {
  return padding[0] == padding[2] && padding[1] == padding[3];
}

}  // namespace fpcls
