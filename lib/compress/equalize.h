#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

/// Equalising channels across layers: a convolution's channels, a positively homogeneous activation
/// after it and the convolution that alone reads them can be scaled against each other without
/// changing what the network computes. Rounded within one range for all, channels of one size lose
/// least. After Nagel et al. 2019, "Data-Free Quantization", section 4.1, with measured channels
/// instead of their weights' ranges, and factors that are powers of two, which f32 scales by
/// exactly.
namespace fpcls {

/// Nodes: the conv `first`, perhaps an activation, and the conv `second` (depthwise, grouped or
/// not), all f32.
struct ScalablePair {
  int first = 0;
  int result = 0;  ///< what `second` reads: the activation's result, or the first's
  int second = 0;
};

/// Batch norms must be folded. No result lies in two pairs.
std::vector<ScalablePair> scalable_pairs(const Graph& graph);

/// Of the result between a pair, a channel each, over any number of pictures.
class ChannelSizes {
 public:
  /// f32 {N, C, H, W}.
  void add(const Tensor& values);
  void merge(const ChannelSizes& other);

  const std::vector<double>& largest() const { return largest_; }  ///< magnitudes
  std::vector<double> mean_squares() const;

 private:
  std::vector<double> largest_, squares_;
  int64_t numbers_ = 0;  ///< of one channel
};

/// Powers of two that the channels are divided by before the second layer and its weights multiplied
/// with, and what that is predicted to gain.
struct ChannelFactors {
  std::vector<float> factors;  ///< {C}
  double gain_db = 0;  ///< less noise in the second layer's result; 0: all factors are 1
};

/// The best of a few, by the noise that rounding both the result (8 bits, one range) and the
/// weights (8 bits, a range for each output channel) adds to the second layer's result.
ChannelFactors choose_factors(const Node& second, const ChannelSizes& sizes);

/// The same function with the pair's channels scaled.
Graph scaled_pair(const Graph& graph, const ScalablePair& pair, const std::vector<float>& factors);

}  // namespace fpcls
