#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "exec/executor.h"

/// One network being trained: a step at a time, so that schedule, data and checkpoints stay with
/// the caller.
namespace fpcls {

enum class Optimizer { sgd, adamw };

template <>
struct EnumNames<Optimizer> {
  static constexpr std::pair<Optimizer, std::string_view> entries[] = {
      {Optimizer::sgd, "sgd"}, {Optimizer::adamw, "adamw"}};
};

struct TrainerOptions {
  std::string device = "cpu";
  int threads = 1;
  Optimizer optimizer = Optimizer::adamw;
  double weight_decay = 0.05;  ///< of the weights of conv and linear, not of norms and biases
  double momentum = 0.9;       ///< SGD only
  double label_smoothing = 0;  ///< 0 to below 1
  double ema_decay = 0;        ///< moving average of the weights, used by `evaluate` and `graph`; 0: off
  bool bf16 = false;           ///< autocast; an Error where the device can't
  uint64_t seed = 0;
};

struct TrainingBatch {
  PixelBatch pixels;
  /// For each picture the index of its output: 0 or 1 for a binary head of one output (1 is the
  /// positive label), else the index among the network's outputs.
  std::vector<int> targets;
  std::vector<float> weights;  ///< for each picture, its weight in the loss; mean about 1
};

class Trainer {
 public:
  virtual ~Trainer() = default;

  /// One optimisation step in training mode. Returns the batch's loss (cross entropy; binary cross
  /// entropy for a network of one output), which may be NaN: the caller decides what that means.
  virtual double step(const TrainingBatch& batch, double learning_rate) = 0;

  /// Logits in evaluation mode, row-major {count, output_count}.
  virtual std::vector<float> evaluate(const PixelBatch& batch) = 0;

  /// The network with the weights as they are now.
  virtual Graph graph() = 0;

  /// Everything that `step` depends on (weights, statistics, optimizer state, moving average), and
  /// back: a trainer of the same graph and options goes on exactly as if it hadn't stopped.
  virtual std::string save_state() = 0;
  virtual void load_state(const std::string& bytes) = 0;
};

}  // namespace fpcls
