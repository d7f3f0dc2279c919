#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "graph/quant_params.h"

/// Rounding weights and inputs shifts the mean of each of a layer's channels; the bias can take
/// that shift back for nothing. The mean of a convolution's result is linear in the means of what
/// each of its weights is multiplied by, so only those have to be known: the layer itself isn't
/// run. After Nagel et al. 2019, "Data-Free Quantization", section 4.2, with measured means.
namespace fpcls {

/// Sums, over the places of a conv's result and over pictures, of what each weight of one output
/// channel's filter is multiplied by; padding counts as 0. Partial sums of whole pictures can be
/// merged.
class PatchSums {
 public:
  PatchSums() = default;
  /// For the conv `layer` of `graph`.
  PatchSums(const Graph& graph, int layer);

  /// Adds the layer's input, f32 {N, C, H, W}.
  void add(const Tensor& input);
  void merge(const PatchSums& other);
  /// {C, kh, kw}: sums over the number of places.
  std::vector<double> means() const;

 private:
  ConvAttributes conv_;
  Pair kernel_{1, 1};
  Pair places_{1, 1};  ///< height and width of the result
  std::vector<double> sums_;
  int64_t pictures_ = 0;
};

/// `input` as `params` rounds it.
Tensor rounded(const Tensor& input, const QuantParams& params);

/// What has to be added to each output channel of `layer` of `integers`, an i8 conv, so that its
/// mean is that of `original`, the same conv in f32: {O}. `exact` and `rounded` are the means of
/// what the weights are multiplied by, before and after rounding.
std::vector<double> mean_shift(const Node& original, const Node& integers,
                               const std::vector<double>& exact,
                               const std::vector<double>& rounded);

/// The node with `shift` added to its bias, which it gets where it has none.
Node with_shifted_bias(Node node, const std::vector<double>& shift);

}  // namespace fpcls
