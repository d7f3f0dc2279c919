#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tune/quantizing.h"
#include "tune/score_shift.h"

/// Quantizing until the scores hold: where a bucket, precision or recall moves too far on labelled
/// pictures, other ranges are tried for all results; then the layers that add most noise are looked
/// at one at a time: another range for the layer's result, and where that doesn't help the layer is
/// restored: to bf16 where that is fast, and to f32 where it adds most noise even so.
namespace fpcls {

/// One quantized model.
struct ControlTrial {
  RangeMethod method = RangeMethod::automatic;
  /// Results that are rounded within another range, and by which method, in that order.
  std::vector<std::pair<std::string, RangeMethod>> other_ranges;
  std::vector<std::string> kept;  ///< layers that got their f32 weights back, in that order
  std::vector<std::string> kept_bf16;  ///< layers that got bf16 weights, and aren't in `kept`
  ScoreFigures figures;
  double shift_points = 0;
  double ms = 0;  ///< median for one picture on one thread
  int64_t weight_bytes = 0;
  /// The integer or bf16 layer that adds most noise; the only integer layer isn't looked at. Empty
  /// where there is none.
  std::string next;
  std::string next_result;  ///< the rounded result of `next`; empty where it isn't rounded
  RangeMethod next_method = RangeMethod::minmax;  ///< that gave that result its range
};

struct ControlPlan {
  double max_shift_points = 0.5;
  double minutes = 30;      ///< no trial is begun later than this
  bool bf16_first = false;  ///< layers are restored to bf16 before they are to f32
  /// Where each trial is kept as it ends; empty: nowhere. With `resume`, those that it holds aren't
  /// made again. `fingerprint` names all that they depend on.
  std::filesystem::path journal;
  bool resume = false;
  std::string fingerprint;
  /// Told of each trial as it ends.
  std::function<void(const ControlTrial&)> report = [](const ControlTrial&) {};
  /// Given the model of each trial that none before beats, as it ends; all trials so far.
  std::function<void(const QuantizingResult&, const std::vector<ControlTrial>&)> unbeaten =
      [](const QuantizingResult&, const std::vector<ControlTrial>&) {};
};

/// The labelled pictures and how a model is judged on them.
struct ControlPictures {
  const TrainingSet& set;
  const Head& head;
  float accept = 0.5F;
};

struct ControlResult {
  QuantizingResult made;  ///< of the chosen trial
  std::vector<ControlTrial> trials;
  size_t chosen = 0;
  JudgedScores scores;  ///< of the chosen trial
  bool reached = false;
  std::string ended;  ///< why it wasn't reached: "the time is up"
};

/// `before` is what the network as it is says. The chosen trial is the first within the shift, or
/// else the one with the smallest. Throws Error for a journal that is there without `resume`, of
/// something else, or damaged; Interrupted where the plan's `stop` says so before the first trial
/// ended.
ControlResult control_accuracy(Quantizer& quantizer, const ControlPictures& pictures,
                               const JudgedScores& before, const ControlPlan& plan);

/// Those that no other beats in shift, time and size at once, by shift.
std::vector<size_t> pareto_trials(const std::vector<ControlTrial>& trials);

/// Median time of one picture on one thread.
double picture_ms(Executor& executor, const Tensor& input);

int64_t weight_bytes(const Graph& graph);

}  // namespace fpcls
