#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/enum_names.h"
#include "base/range.h"
#include "exec/trainer.h"
#include "graph/graph.h"
#include "images/augment.h"
#include "run/bf16_switch.h"
#include "tune/training.h"

/// How a network is trained: the options that all commands that train have in common.
namespace fpcls {

enum class Augmentation { none, plan };

template <>
struct EnumNames<Augmentation> {
  static constexpr std::pair<Augmentation, std::string_view> entries[] = {
      {Augmentation::none, "none"}, {Augmentation::plan, "plan"}};
};

/// Which network of a training is the best: by its accuracy with every label counting the same, or
/// by the share of pictures with a score for the correct class of at least a bound.
enum class BestBy { accuracy, at_least_50, at_least_80, at_least_90, at_least_95 };

template <>
struct EnumNames<BestBy> {
  static constexpr std::pair<BestBy, std::string_view> entries[] = {
      {BestBy::accuracy, "accuracy"},
      {BestBy::at_least_50, "at_least_50"},
      {BestBy::at_least_80, "at_least_80"},
      {BestBy::at_least_90, "at_least_90"},
      {BestBy::at_least_95, "at_least_95"}};
};

struct TrainingRecipe {
  int batch = 32;
  double learning_rate = 1e-3;
  double warmup = 0.1;
  Optimizer optimizer = Optimizer::adamw;
  double weight_decay = 0.05;
  double momentum = 0.9;
  double label_smoothing = 0;
  double ema = 0;
  bool class_weights = true;
  Augmentation augment = Augmentation::plan;
  BestBy best_by = BestBy::accuracy;
  int patience = 0;
  Switch bf16 = Switch::automatic;
  std::string device = "cpu";

  template <class Visitor>
  void describe_recipe(Visitor& v) {
    v.option("batch", batch, "Pictures in a step", Range{2, 4096});
    v.option("learning_rate", learning_rate, "Learning rate at its peak", Range{1e-9, 100.0});
    v.option("warmup", warmup, "Share of a training in which the learning rate rises",
             Range{0.0, 0.9});
    v.option("optimizer", optimizer, "How weights are updated");
    v.option("weight_decay", weight_decay, "Weight decay, not applied to batch norm and biases",
             Range{0.0, 10.0});
    v.option("momentum", momentum, "Momentum of sgd", Range{0.0, 0.9999});
    v.option("label_smoothing", label_smoothing,
             "Label smoothing; more than 0 distorts the score buckets", Range{0.0, 0.9});
    v.option("ema", ema, "Decay of a moving average of the weights, such as 0.999; 0: none",
             Range{0.0, 0.99999});
    v.option("class_weights", class_weights, "Let each class count the same in the loss");
    v.option("augment", augment, "How pictures are varied: as suits floor plans, or not at all");
    v.option("best_by", best_by,
             "Which epoch's network is kept: by accuracy, or by the share of pictures whose score "
             "for the correct class is at least a bound");
    v.option("patience", patience, "Stop after so many epochs without a better one; 0: never",
             Range{0, 100000});
    v.option("bf16", bf16, "Multiply in bf16; auto: where the CPU and the network are quicker so");
    v.option("device", device, "Where to train: cpu, cuda or cuda:N");
  }

  AugmentOptions augmentation() const;

  /// Without distillation.
  TrainerOptions trainer(const Graph& graph, int threads, uint64_t seed) const;

  TrainingPlan plan(int epochs, uint64_t seed) const;
};

}  // namespace fpcls
