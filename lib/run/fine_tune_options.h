#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "base/range.h"
#include "run/training_recipe.h"

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
struct FineTuneOptions : TrainingRecipe {
  FineTuneOptions() {
    warmup = 0.05;
    ema = 0.999;
  }

  std::vector<std::string> train;
  std::vector<std::string> validation;
  double validation_share = 0.2;
  std::string label_map;
  int steps = 6;
  int step_epochs = 1;
  int statistics_batches = 200;
  int epochs = 10;
  std::string teacher;
  double distillation = 0.7;
  double temperature = 4;
  BestBy best_by = BestBy::accuracy;
  std::string journal;
  bool resume = false;
  int threads = 0;

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
    v.option("teacher", teacher, "Model to learn from; without it the model that is pruned");
    v.option("distillation", distillation,
             "Share of the loss that is the difference to the teacher; 0: no teacher",
             Range{0.0, 1.0});
    v.option("temperature", temperature, "At which both answers are compared", Range{0.1, 100.0});
    v.option("best_by", best_by,
             "Which epoch's network is kept: by accuracy, or by the share of pictures whose score "
             "for the correct class is at least a bound");
    describe_recipe(v);
    v.option("threads", threads, "Threads to train and to measure with; 0: one a core",
             Range{0, 1024});
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
