#pragma once

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include "graph/node.h"
#include "torch/ops.h"

/// One convolution made ready to run many times: weights in the layout that the kernels want, bias
/// and ReLU done while the results are still in registers.
namespace fpcls {

class PreparedConv {
 public:
  /// `weights` as `Op::conv` has them. `input_shape` is one picture's, {1, C, H, W}.
  PreparedConv(const ConvAttributes& attributes, const NodeWeights& weights,
               const Shape& input_shape, bool relu);

  /// `x` is f32 {N, C, H, W}, channels-last. Thread-safe.
  at::Tensor run(const at::Tensor& x) const;

 private:
  ConvAttributes attributes_;
  NodeWeights weights_;  ///< empty where `packed_` holds them
  bool relu_;
  c10::IValue packed_;  ///< weights in oneDNN's layout; none on other devices
};

/// The weights of conv followed by batch norm as those of one conv: w' = w * gamma / sqrt(var +
/// epsilon), b' = (b - mean) * gamma / sqrt(var + epsilon) + beta, computed in double.
NodeWeights fold_batch_norm(const NodeWeights& conv, const NodeWeights& norm, double epsilon);

}  // namespace fpcls
