#pragma once

#include <string>
#include <vector>

#include "base/range.h"
#include "run/distillation_options.h"
#include "run/training_recipe.h"

namespace fpcls {

/// How a network that was made smaller is trained again.
struct FineTuneOptions : TrainingRecipe, DistillationOptions {
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
    describe_distillation(v, "Model to learn from; without it the model that is pruned");
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
