#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compress/channel_selection.h"
#include "compress/importance.h"
#include "report/document.h"
#include "run/common_options.h"
#include "run/fine_tune_options.h"
#include "run/load_model.h"
#include "tune/pruning.h"

/// Makes a model smaller by removing channels.
namespace fpcls {

struct PruneOptions {
  std::string model;
  ForeignModelOptions foreign;
  std::vector<std::string> remove;
  PruneScope scope = PruneScope::global;
  Importance importance = Importance::l2;
  std::string round = "auto";
  double floor = 0.1;
  int min_channels = 8;
  std::vector<std::string> ignore;
  std::optional<double> max_shift;
  double minutes = 30;
  bool plan = false;
  bool measure = true;
  std::string out;
  uint64_t seed = 0;
  FineTuneOptions fine_tune;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("model", model, "Model file");
    describe_channels(v);
    v.option("max_shift", max_shift,
             "Look for the largest ratio of --remove UNIT at which no bucket and neither precision "
             "nor recall moves by more than so many points, up or down, on the validation pictures",
             Range{0.0, 100.0});
    v.option("minutes", minutes,
             "Begin no more trials of --max-shift that would end later; 0: no limit",
             Range{0.0, 1e6});
    v.option("plan", plan, "Only say what would go, layer by layer");
    v.option("measure", measure, "Measure what a picture takes here, before and after");
    v.option("o,out", out,
             "Model file to write (.safetensors); with several ratios, one for each, its name "
             "followed by UNIT-RATIO; so with "
             "--max-shift those that are the smallest for what moves, and the best as it is");
    v.group("Training", fine_tune);
    v.group("Models from elsewhere", foreign);
    v.group("Output", output);
  }

  /// Which channels go.
  template <class Visitor>
  void describe_channels(Visitor& v) {
    v.option("remove", remove,
             "What goes, UNIT=RATIO with unit channels, params, macs, bytes or latency and the "
             "share removed of it; macs=0.5,0.7,0.9 gives the curve");
    v.option("scope", scope,
             "Which channels compete: those of all groups of the same structure, or those of each "
             "group alone, so that all lose the same share");
    v.option("importance", importance,
             "Which channels stay: by their weights' squares, absolute values, batch norm's scale "
             "(l2 where there is none), the loss's gradient, or by chance");
    v.option("round", round,
             "Channels left in a group are a multiple of this number; none: any number; auto: of "
             "16 where many stay and the goal allows it");
    v.option("floor", floor, "Share of each group's channels that --scope global leaves",
             Range{0.0, 1.0});
    v.option("min_channels", min_channels,
             "Channels of each group that --scope global leaves; an eighth of small groups",
             Range{1, 100000});
    v.option("ignore", ignore, "Layer whose channels all stay, with those tied to them");
    v.option("seed", seed, "Of --importance random, order and augmentation");
  }
};

struct PrunedLayer {
  std::string name;
  int64_t channels_before = 0;
  int64_t channels_after = 0;
};

/// What one ratio made of the model.
struct PrunedModel {
  PruneGoal goal;
  ModelCosts before, after;
  /// For one picture, measured here; absent where it wasn't.
  std::optional<double> latency_before_ms, latency_after_ms;
  std::vector<PrunedLayer> layers;  ///< every conv and linear
  std::vector<std::string> inexact;  ///< layers where removed constants couldn't be kept exactly
  std::string out;                   ///< the file, empty where none was written
  std::optional<PruningResult> trained;  ///< how the training went, where there was one
  /// `largest_shift_points` on the validation pictures from the model that was pruned to this one,
  /// both run as they will be used; where there was a training.
  std::optional<double> shift_points;
};

struct PruneResult {
  std::vector<PrunedModel> models;  ///< one for each ratio, in their order
  std::optional<double> max_shift;  ///< where a ratio was looked for
  /// Of `models`, which are the trials then: the one that was found.
  std::optional<size_t> chosen;
  bool out_of_time = false;  ///< the time ended the search

  /// Whether there is what was asked for.
  bool found() const { return !max_shift || chosen; }
};

/// Throws Error before anything is written for what can't be done.
PruneResult run_prune(const PruneOptions& options);
Document prune_document(const PruneResult& result);
/// One object, or a list of them where there are several ratios, or `max_shift`, `chosen` and
/// `trials` of a search.
std::string prune_json(const PruneResult& result);

}  // namespace fpcls
