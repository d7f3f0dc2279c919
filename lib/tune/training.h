#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "exec/trainer.h"
#include "graph/graph.h"
#include "graph/head.h"
#include "images/augment.h"
#include "metrics/evaluation.h"
#include "tune/training_set.h"

/// The training of one network: epochs over shuffled, augmented pictures, validation after each,
/// the best kept, a checkpoint after each.
namespace fpcls {

struct TrainingPlan {
  int epochs = 20;
  int batch_size = 32;
  double learning_rate = 1e-3;  ///< at its peak
  double warmup_ratio = 0.1;    ///< part of all steps
  /// Weighs each picture so that all targets count the same in the loss.
  bool balance_classes = true;
  AugmentOptions augment;
  int patience = 0;  ///< stop after so many epochs without a better one; 0: never
  uint64_t seed = 0;
  std::filesystem::path checkpoint;  ///< empty: none
  bool resume = false;               ///< go on from the checkpoint if there is one
  bool quiet = false;
  /// Which network is the best: the index in `kBucketBounds` of the bucket that is to be largest;
  /// -1: the one of highest balanced accuracy.
  int best_by_bucket = -1;
  /// Fills in what a network to learn from says of a batch; none: there is no teacher. Called from
  /// another thread than the trainer is.
  std::function<void(TrainingBatch&)> teacher;
  Progress* progress = nullptr;  ///< of a longer schedule, to be advanced by steps; none: its own
};

/// Figures over the validation set. For a multi-class head precision and recall are means over the
/// classes that occur.
struct ValidationFigures {
  double loss = 0;  ///< mean cross entropy
  double accuracy = 0;
  double balanced_accuracy = 0;  ///< mean recall over the targets that occur
  /// Share with a score for the correct class of at least each of `kBucketBounds`.
  std::array<double, kBucketBounds.size()> at_least_ratio{};
};

struct EpochRow {
  int epoch = 0;  ///< from 1
  double loss = 0;
  double learning_rate = 0;  ///< of the last step
  ValidationFigures validation;
};

struct TrainingResult {
  Graph best;
  int best_epoch = 0;  ///< 0: none was finished
  std::vector<EpochRow> history;
  bool stopped_early = false;
  /// Set when the loss became NaN or infinite: where that was. `best` is the last good network
  /// then.
  std::string divergence;
};

/// The loss and the shares of what `logits` (row-major, one row for each target) say.
ValidationFigures validation_figures(const Head& head, const std::vector<float>& logits,
                                     const std::vector<int>& targets);

/// The figures of what `trainer` has now, over a set whose pictures are at the network's size.
ValidationFigures validate(Trainer& trainer, const Head& head, const TrainingSet& set,
                           int batch_size);

/// Trains `initial` with `trainer`, which was made from it. `fingerprint` names everything else
/// that the result depends on (data, options of the trainer): a checkpoint of another one is
/// refused. Better is: the higher of what the plan asks for, among equals the lower loss. The same
/// inputs give the same result, whether the training was interrupted or not.
TrainingResult train(Trainer& trainer, const Graph& initial, const Head& head,
                     const TrainingSet& training, const TrainingSet& validation,
                     const TrainingPlan& plan, const std::string& fingerprint);

}  // namespace fpcls
