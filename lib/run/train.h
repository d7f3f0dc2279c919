#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exec/trainer.h"
#include "report/document.h"
#include "run/common_options.h"
#include "run/training_data.h"
#include "tune/training.h"

/// Trains a classifier on labelled pictures and writes it as an fpcls model.
namespace fpcls {

struct TrainOptions {
  InputOptions input;
  std::vector<std::string> validation;
  double validation_share = 0.2;
  std::string positive;
  std::string negative;
  std::string architecture = "resnet18";
  double width = 1;
  int size = 224;
  std::string from;
  std::string out;

  int epochs = 20;
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
  int patience = 0;
  Switch bf16 = Switch::automatic;
  std::string checkpoint;
  bool resume = false;
  uint64_t seed = 0;
  int threads = 0;
  std::string device = "cpu";
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
    v.option("o,out", out, "Model file to write (.safetensors)");
    v.option("epochs", epochs, "Passes over the pictures", Range{1, 100000});
    v.option("batch", batch, "Pictures in a step", Range{2, 4096});
    v.option("learning_rate", learning_rate, "Learning rate at its peak", Range{1e-9, 100.0});
    v.option("warmup", warmup, "Share of the steps in which the learning rate rises",
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
    v.option("patience", patience, "Stop after so many epochs without a better one; 0: never",
             Range{0, 100000});
    v.option("bf16", bf16, "Multiply in bf16; auto: where the CPU and the network are quicker so");
    v.option("checkpoint", checkpoint, "File that keeps the state after each epoch");
    v.option("resume", resume, "Go on from the checkpoint, if it is there");
    v.option("seed", seed, "Of weights, order and augmentation");
    v.option("threads", threads, "Threads to train with; 0: one a core", Range{0, 1024});
    v.option("device", device, "Where to train: cpu, cuda or cuda:N");
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
