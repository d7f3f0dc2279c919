#pragma once

#include <map>
#include <set>
#include <vector>

#include "compress/bias_correction.h"
#include "graph/quant_params.h"
#include "tune/quantizing.h"

/// What the biases of integer layers are corrected by, measured once on the calibration's pictures.
namespace fpcls {

class BiasMeans {
 public:
  /// Runs the network as it is; `integers`, made of it, says how results are rounded.
  BiasMeans(const QuantizingSubject& subject, const Graph& integers, const QuantizingPlan& plan);

  /// Whether all integer layers of `integers` were measured, with the roundings that it has.
  bool suits(const Graph& integers) const;
  /// `integers` with biases that give every channel of an integer layer the mean that it has in the
  /// network as it is, as long as the layer's input is right.
  Graph corrected(const Graph& integers) const;

 private:
  struct Layer {
    int node = 0;  ///< of the folded graph
    QuantParams params;
    PatchSums exact, rounded;
  };

  void look(int node, const Tensor& values, std::vector<Layer>& layers) const;

  const Graph& folded_;
  std::vector<Layer> layers_;
  std::map<int, std::vector<size_t>> readers_;  ///< by the node whose result they read
  std::map<int, size_t> measured_;              ///< by node of the folded graph
  std::set<int> unobserved_;  ///< layers whose input is fused away: they keep their biases
};

}  // namespace fpcls
