#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compress/layer_error.h"
#include "exec/executor.h"

/// Walks two executors through the same pictures, layer by layer, and says where they part. The two
/// may compute in other types, on other libraries, or fuse other layers: what is compared are the
/// results that both compute, found by the layers' names.
///
/// A result is dropped as soon as nothing needs it, so that memory holds a few layers of a batch,
/// whatever the depth of the network and the number of pictures.
namespace fpcls {

/// One of the two sides.
struct WalkSide {
  const Graph* graph = nullptr;  ///< what the executor was made from
  Executor* executor = nullptr;
};

/// What is known of one result that both sides compute.
struct WalkedLayer {
  std::string name;  ///< "layer1.0.conv1", also where a kernel does more than this layer
  std::string op;    ///< "conv+relu": what lies between this result and those compared before it
  std::string result;  ///< the node whose result is compared
  LayerError injected;  ///< the second's layer on the first's inputs: its own error alone
  LayerError so_far;    ///< the second's layer on the second's inputs
};

class LayerWalk {
 public:
  /// Both must outlive the object. Throws Error where the inputs' shapes differ or no layer is
  /// computed by both under the same name and with the same shape.
  LayerWalk(WalkSide first, WalkSide second);
  ~LayerWalk();

  /// Compares on normalised inputs, f32 {N, C, H, W}, of which the second side's may differ from
  /// the first's where the two are preprocessed in other ways.
  void add(const Tensor& first_input, const Tensor& second_input);

  /// In the order in which the second side computes them; the input is the first.
  const std::vector<WalkedLayer>& layers() const { return layers_; }
  /// Layers of the same name whose shapes differ (pruned channels, say): they aren't compared.
  const std::vector<std::string>& misshapen() const { return misshapen_; }
  int64_t pictures() const { return pictures_; }
  /// Most results that were held at once, in bytes.
  int64_t most_held_bytes() const { return most_held_bytes_; }

 private:
  class Pass;
  void match();

  WalkSide first_, second_;
  std::vector<ExecutorStep> first_steps_, second_steps_;
  std::vector<int> partner_;   ///< for each of the second's nodes: the first's that it is compared to
  std::vector<int> layer_of_;  ///< for each of the second's nodes: its layer, or -1
  std::vector<WalkedLayer> layers_;
  std::vector<std::string> misshapen_;
  int64_t pictures_ = 0;
  int64_t most_held_bytes_ = 0;
};

/// The first layer whose error, injected or so far, is above `tolerance` times the largest
/// magnitude of its results; -1 where there is none.
int first_divergent(const std::vector<WalkedLayer>& layers, double tolerance);

/// The layer whose injected error is the largest share of its signal (the lowest SQNR; one that
/// isn't finite before all others); -1 where none injects any.
int worst_injected(const std::vector<WalkedLayer>& layers);

}  // namespace fpcls
