#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compress/layer_times.h"
#include "run/prune.h"
#include "run/prune_training.h"

/// One model and what ratios make of it, for `run_prune`, which asks for given ratios or
/// looks for one that loses little. Internal to this folder.
namespace fpcls {

/// A result with its network.
struct PruneCase {
  PrunedModel result;
  Graph graph;
};

class Pruner {
 public:
  /// Loads the model. Throws Error for one that can't be pruned, and for options that contradict.
  explicit Pruner(const PruneOptions& options);

  /// What the weights alone say should go, in one cut.
  PruneCase cut(const PruneGoal& goal);
  /// The same; none where so much can't go.
  std::optional<PruneCase> cut_if_reachable(const PruneGoal& goal);
  /// Loads the pictures, where there are any to train on.
  void open_training();
  /// Trains, where there are pictures, and writes `made.result.out`.
  void finish(PruneCase& made, const std::filesystem::path& journal);
  /// Fills in what a picture takes, where that is asked for.
  void measure(std::vector<PruneCase>& cases) const;

 private:
  void train(PruneCase& made, const std::filesystem::path& journal);

  const PruneOptions& options_;
  const LoadedModel model_;
  const ChannelGroups groups_;
  ChannelSelectionOptions selection_;
  MeasuredLayerTimes measured_;
  KeptLayerTimes times_;
  std::unique_ptr<PruneTraining> training_;
};

/// "small.safetensors" as "small.macs-0.5.safetensors".
std::string name_for(const PruneGoal& goal, const std::string& out);
std::vector<PrunedModel> results_of(std::vector<PruneCase> cases);

}  // namespace fpcls
