#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compress/answer_match.h"
#include "compress/channel_selection.h"
#include "compress/importance.h"
#include "compress/layer_times.h"
#include "exec/trainer.h"
#include "model/metadata.h"
#include "tune/training.h"

/// Pruning with training between: channels go in several steps, each followed by new batch norm
/// statistics and a short training, the last by a long one. At high ratios that keeps far more than
/// removing all at once (arXiv 2508.13836).
namespace fpcls {

struct PruningPlan {
  PruneGoal goal;
  ChannelSelectionOptions selection;
  Importance importance = Importance::l2;
  /// After step s of S the share 1 - (1 - ratio)^(s / S) is gone: each takes the same part of what
  /// is there.
  int steps = 6;
  int step_epochs = 1;           ///< of training after each step but the last; 0: none
  int statistics_batches = 200;  ///< that batch norm's statistics are taken from after each step
  int gradient_batches = 16;     ///< that `taylor` takes its gradients from
  /// The last training; the short ones are like it but for `epochs`. Its `checkpoint`, `resume` and
  /// `progress` are set by the schedule.
  TrainingPlan training;
  /// Where the network is kept after each step, as a model file; what a step's training needs to go
  /// on lies beside it. Empty: nowhere.
  std::filesystem::path journal;
  bool resume = false;  ///< go on from the journal if there is one
  /// Where the times come from that a goal about latency needs; it must outlive the schedule. What
  /// it was asked for lies beside the journal too, and comes from there when the schedule goes on.
  KeptLayerTimes* times = nullptr;
};

/// What one step came to.
struct PruningStep {
  int step = 0;      ///< from 1
  double ratio = 0;  ///< of the goal's unit that is gone
  ModelCosts costs;
  ValidationFigures cut;      ///< with new statistics, before the training
  ValidationFigures trained;  ///< of the best epoch, with its answers matched; or `cut`
};

struct PruningResult {
  Graph graph;
  std::vector<bool> keep;   ///< for each unit of the whole network
  ValidationFigures dense;  ///< of the whole network
  std::vector<PruningStep> steps;
  std::vector<EpochRow> history;  ///< of the last training; empty where the journal had it all
  /// Of the outputs after the last training (`match_teacher`); none: no change, or the journal had
  /// it.
  std::optional<AnswerMatch> teacher_match;
  int best_epoch = 0;
  std::vector<std::string> inexact;  ///< as in Cut, of the steps of this run
  /// Set when a loss became NaN or infinite: where. `graph` is the last good network then.
  std::string divergence;
};

/// Makes a trainer for a network; called once or twice a step.
using TrainerMaker = std::function<std::unique_ptr<Trainer>(const Graph&)>;

/// Runs the schedule from `dense`. `metadata` goes into the journal, which is a model that can be
/// used as it is. `fingerprint` names all else that the result depends on: the journal of another
/// schedule is refused with an Error. The same inputs give the same result, whether the schedule
/// was interrupted or not.
PruningResult prune_and_train(const Graph& dense, const Metadata& metadata,
                              const TrainingSet& training, const TrainingSet& validation,
                              const TrainerMaker& make_trainer, const PruningPlan& plan,
                              const std::string& fingerprint);

}  // namespace fpcls
