#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "run/prune.h"
#include "run/training_data.h"
#include "tune/pruning.h"

/// Prunes with training between, for `run_prune`. Internal to this folder.
namespace fpcls {

/// Everything that a schedule needs, loaded once for all goals.
class PruneTraining {
 public:
  /// Throws Error for pictures and options that can't be trained with.
  PruneTraining(const PruneOptions& options, const LoadedModel& model);

  /// A loss that diverges is part of the result. `times` are those of a goal about latency.
  PruningResult run(const PruneGoal& goal, const ChannelSelectionOptions& selection,
                    KeptLayerTimes& times, const std::filesystem::path& journal) const;

  /// What the training adds to the model's provenance.
  Provenance provenance() const;

 private:
  std::unique_ptr<Trainer> make_trainer(const Graph& graph) const;

  const PruneOptions& options_;
  const LoadedModel& model_;
  int threads_ = 1;
  TrainingData data_;
  std::unique_ptr<Executor> teacher_;  ///< none where nothing is distilled
  std::string teacher_sha256_;
};

}  // namespace fpcls
