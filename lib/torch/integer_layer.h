#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "graph/integer_step.h"
#include "torch/ops.h"

/// An i8 conv with what follows it, in integer arithmetic simulated exactly (integer_step.h): slow,
/// and the reference for kernels that compute with integers.
namespace fpcls {

class IntegerLayer {
 public:
  IntegerLayer(const Graph& graph, const IntegerStep& step, const c10::Device& device);

  /// `x`: the conv's input, f32 {N, C, H, W}, rounded numbers; `other`: what is added, if anything.
  /// Gives f32, where the step rounds again rounded numbers. Thread-safe.
  at::Tensor run(const at::Tensor& x, const at::Tensor& other) const;

  int64_t weight_bytes() const { return static_cast<int64_t>(weight_.nbytes()); }

 private:
  at::Tensor sums(const at::Tensor& integers) const;

  ConvAttributes conv_;
  StepScales scales_;
  const Node* activation_;           ///< in the graph, which must outlive the object; or null
  std::optional<QuantParams> result_;
  at::Tensor weight_;  ///< integers, in f32 where that holds every possible sum, else in f64
  at::Tensor bias_, factor_;  ///< {1, O, 1, 1}; no bias: undefined
};

}  // namespace fpcls
