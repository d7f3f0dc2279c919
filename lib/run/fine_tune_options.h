#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "base/range.h"
#include "exec/trainer.h"
#include "run/training_data.h"

namespace fpcls {

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

/// How a network that was made smaller is trained again.
struct FineTuneOptions {
  std::vector<std::string> train;
  std::vector<std::string> validation;
  double validation_share = 0.2;
  std::string label_map;
  int steps = 6;
  int step_epochs = 1;
  int statistics_batches = 200;
  int epochs = 10;
  int batch = 32;
  double learning_rate = 1e-3;
  double warmup = 0.05;
  Optimizer optimizer = Optimizer::adamw;
  double weight_decay = 0.05;
  double momentum = 0.9;
  double label_smoothing = 0;
  double ema = 0.999;
  std::string teacher;
  double distillation = 0.7;
  double temperature = 4;
  BestBy best_by = BestBy::accuracy;
  bool class_weights = true;
  Augmentation augment = Augmentation::plan;
  int patience = 0;
  Switch bf16 = Switch::automatic;
  std::string journal;
  bool resume = false;
  int threads = 0;
  std::string device = "cpu";

  template <class Visitor>
  void describe(Visitor& v) {
    describe_training(v);
    v.option("journal", journal, "File that keeps the state after each step");
    v.option("resume", resume, "Go on from the journal, if it is there");
  }

  /// All but where the state is kept.
  template <class Visitor>
  void describe_training(Visitor& v) {
    v.option("train", train,
             "Labelled pictures to train on again; without them nothing is trained");
    v.option("validation", validation,
             "Pictures to validate on; without them a share is split off");
    v.option("validation_share", validation_share,
             "Share of the pictures that is split off for validation", Range{0.01, 0.9});
    v.path("label_map", label_map,
           "YAML file that renames labels ('folder: label') or drops them ('folder: ~')");
    v.option("steps", steps, "Steps in which channels go, with training between", Range{1, 1000});
    v.option("step_epochs", step_epochs, "Passes over the pictures after each step but the last",
             Range{0, 100000});
    v.option("statistics_batches", statistics_batches,
             "Batches that batch norm's statistics are taken from after each step",
             Range{0, 100000});
    v.option("epochs", epochs, "Passes over the pictures after the last step", Range{1, 100000});
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
    v.option("ema", ema, "Decay of a moving average of the weights; 0: none", Range{0.0, 0.99999});
    v.option("teacher", teacher, "Model to learn from; without it the model that is pruned");
    v.option("distillation", distillation,
             "Share of the loss that is the difference to the teacher; 0: no teacher",
             Range{0.0, 1.0});
    v.option("temperature", temperature, "At which both answers are compared", Range{0.1, 100.0});
    v.option("best_by", best_by,
             "Which epoch's network is kept: by accuracy, or by the share of pictures whose score "
             "for the correct class is at least a bound");
    v.option("class_weights", class_weights, "Let each class count the same in the loss");
    v.option("augment", augment, "How pictures are varied: as suits floor plans, or not at all");
    v.option("patience", patience, "Stop after so many epochs without a better one; 0: never",
             Range{0, 100000});
    v.option("bf16", bf16, "Multiply in bf16; auto: where the CPU and the network are quicker so");
    v.option("threads", threads, "Threads to train and to measure with; 0: one a core", Range{0, 1024});
    v.option("device", device, "Where to train: cpu, cuda or cuda:N");
  }
};

/// The same options for a command that keeps the state in a place of its own.
struct TrainingWithoutJournal {
  FineTuneOptions& options;

  template <class Visitor>
  void describe(Visitor& v) {
    options.describe_training(v);
  }
};

}  // namespace fpcls
