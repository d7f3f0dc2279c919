#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/document.h"
#include "run/common_options.h"
#include "run/distillation_options.h"
#include "run/training_recipe.h"
#include "tune/training.h"

/// Trains a classifier on labelled pictures and writes it as an fpcls model.
namespace fpcls {

struct TrainOptions : TrainingRecipe, DistillationOptions {
  InputOptions input;
  std::vector<std::string> validation;
  double validation_share = 0.2;
  std::string positive;
  std::string negative;
  std::string architecture = "resnet18";
  double width = 1;
  int size = 224;
  std::string from;
  bool from_scratch = false;
  std::string out;

  int epochs = 20;
  std::string checkpoint;
  bool resume = false;
  uint64_t seed = 0;
  int threads = 0;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.group("Pictures", input);
    v.option("validation", validation,
             "Pictures to validate on; without them a share is split off");
    v.option("validation_share", validation_share,
             "Share of the pictures that is split off for validation", Range{0.01, 0.9});
    v.option("positive", positive,
             "Label that the model tells from all others; without it, one output a label");
    v.option("negative", negative, "The only other label, where the model tells two labels apart");
    v.option("architecture", architecture, "Network to train, such as resnet18 or resnet50");
    v.option("width", width, "Its channels, as a multiple of the usual number", Range{0.05, 4.0});
    v.option("size", size, "Height and width of its input, in pixels", Range{32, 1024});
    v.path("from", from, "Model to go on from, instead of a new network");
    v.option("from_scratch", from_scratch,
             "Take from --from only the network, such as a pruned one, and begin with new weights");
    v.option("o,out", out, "Model file to write (.safetensors)");
    v.option("epochs", epochs, "Passes over the pictures", Range{1, 100000});
    describe_distillation(v,
                          "Model to learn from, too; without it only the labels say what is right");
    describe_recipe(v);
    v.option("checkpoint", checkpoint, "File that keeps the state after each epoch");
    v.option("resume", resume, "Go on from the checkpoint, if it is there");
    v.option("seed", seed, "Of weights, order and augmentation");
    v.option("threads", threads, "Threads to train with; 0: one a core", Range{0, 1024});
    v.group("Output", output);
  }
};

struct TrainSummary {
  Head head;
  std::string out;
  int64_t training_pictures = 0, validation_pictures = 0;
  int64_t copies = 0;  ///< left out of training, because they are validated on
  std::vector<std::pair<std::string, std::string>> bad;  ///< path and reason
  TrainingResult result;
  bool bf16 = false;
  double wall_s = 0;
};

/// Throws Error, before anything is trained, for options and pictures that can't be trained with;
/// where the loss diverges it writes the last good network, if there is one, and throws too.
TrainSummary run_train(const TrainOptions& options);
Document train_document(const TrainSummary& summary);
std::string train_json(const TrainSummary& summary);

}  // namespace fpcls
