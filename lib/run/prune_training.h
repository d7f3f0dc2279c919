#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "run/prune.h"
#include "run/teacher.h"
#include "run/training_data.h"
#include "tune/pruning.h"
#include "tune/score_shift.h"

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

  /// The largest shift of what `pruned` says of the validation pictures from what the model that is
  /// pruned says of them, in points.
  double shift_points(const Graph& pruned);

  /// What the training adds to the model's provenance.
  Provenance provenance() const;

 private:
  std::unique_ptr<Trainer> make_trainer(const Graph& graph) const;
  ScoreFigures figures(const Graph& graph) const;

  const PruneOptions& options_;
  const LoadedModel& model_;
  int threads_ = 1;
  TrainingData data_;
  std::unique_ptr<Teacher> teacher_;  ///< none where nothing is distilled
  std::optional<ScoreFigures> before_;  ///< of the model that is pruned, from when they are needed
};

}  // namespace fpcls
