#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "graph/graph.h"
#include "torch/conv.h"
#include "torch/integer_layer.h"
#include "torch/ops.h"

/// A graph arranged for running fast: batch norm folded into the convolution before it, ReLU done
/// by the convolution or addition before it, results dropped or overwritten after their last use.
namespace fpcls {

class Plan {
 public:
  Plan(const Graph& graph, const c10::Device& device);
  Plan(const Plan&) = delete;  ///< its steps point into its own graph
  Plan& operator=(const Plan&) = delete;

  /// The graph's first output for `x`, f32 {N, C, H, W} on the plan's device. Thread-safe.
  at::Tensor run(const at::Tensor& x) const;

  /// Bytes of all weights as they are kept.
  int64_t weights_bytes() const { return weights_bytes_; }

 private:
  /// One call of libtorch. It stands for the node `node` and for those that were merged into it.
  struct Step {
    const Node* node = nullptr;
    std::vector<int> inputs;  ///< indices of the nodes whose results it reads
    int result = 0;           ///< index of the node whose result it gives
    NodeWeights weights;
    std::vector<PreparedConv> conv;     ///< one, for conv and linear
    std::vector<IntegerLayer> integers;  ///< one, for i8 convs
    bool relu = false;
    bool overwrite = false;      ///< the first input's memory becomes the result's
    std::vector<int> last_uses;  ///< results that nothing reads after this step
  };

  struct Uses;
  void add_integers(const IntegerStep& integers, const c10::Device& device,
                    std::vector<bool>& merged);
  void add_step(const Graph& graph, const c10::Device& device, const Uses& uses, int node,
                std::vector<bool>& merged);
  void find_last_uses(const Graph& graph, const Uses& uses);
  static at::Tensor run_step(const Step& step, const std::vector<at::Tensor>& results);

  Graph graph_;
  std::map<int, IntegerStep> integers_;
  std::vector<Step> steps_;
  int output_ = 0;
  int64_t weights_bytes_ = 0;
};

/// A node's weights on `device`.
NodeWeights to_device(const Node& node, const c10::Device& device);

}  // namespace fpcls
