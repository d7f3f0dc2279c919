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
  static constexpr std::pair<Optimizer, std::string_view> entries[] = {{Optimizer::sgd, "sgd"},
                                                                       {Optimizer::adamw, "adamw"}};
};

struct TrainerOptions {
  std::string device = "cpu";
  int threads = 1;
  Optimizer optimizer = Optimizer::adamw;
  double weight_decay = 0.05;  ///< of the weights of conv and linear, not of norms and biases
  double momentum = 0.9;       ///< SGD only
  double label_smoothing = 0;  ///< 0 to below 1
  /// Share of the loss that is how far the answers are from a teacher's, and the temperature at
  /// which both are compared (Hinton et al. 2015), for batches that have a teacher's answers.
  double distillation = 0.7;
  double temperature = 4;
  /// Layers where attention is compared with a teacher's (graph/attention.h), and what that weighs
  /// beside the rest of the loss: for batches that have a teacher's attention the mean over these
  /// layers of the squared distance between both maps, each of unit length, is added, so from 0 to
  /// 2 times the weight (Zagoruyko and Komodakis 2017, section 3.1).
  std::vector<std::string> attention_layers;
  double attention_weight = 0;
  /// Of a moving average of the weights, which `evaluate` and `graph` use; 0: none.
  double ema_decay = 0;
  bool bf16 = false;  ///< autocast; an Error where the device can't
  uint64_t seed = 0;
};

struct TrainingBatch {
  PixelBatch pixels;
  /// For each picture the index of its output: 0 or 1 for a binary head of one output (1 is the
  /// positive label), else the index among the network's outputs.
  std::vector<int> targets;
  /// For each picture, the weight of its target in the loss, mean about 1; what is learnt from a
  /// teacher isn't weighted.
  std::vector<float> weights;
  std::vector<float> teacher_logits;  ///< row-major {count, output_count}; empty: no teacher
  /// Row-major {count, places}: the teacher's attention at all places of the first of
  /// `attention_layers`, then of the next; empty: none.
  std::vector<float> teacher_attention;
};

class Trainer {
 public:
  virtual ~Trainer() = default;

  /// One optimisation step in training mode. Returns the batch's loss (cross entropy; binary cross
  /// entropy for a network of one output), which may be NaN: the caller decides what that means.
  virtual double step(const TrainingBatch& batch, double learning_rate) = 0;

  /// Moves batch norm's statistics by what the network computes for `batch`, and nothing else.
  virtual void observe(const PixelBatch& batch) = 0;

  /// The gradient of the batch's loss in evaluation mode: the network with the gradient in place of
  /// each parameter, and zeros in place of statistics. Changes nothing.
  virtual Graph gradients(const TrainingBatch& batch) = 0;

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
