#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "metrics/intervals.h"
#include "predictions/prediction.h"

/// Thresholds chosen for a wanted precision or recall, and what they are worth on pictures that
/// they weren't chosen on.
///
/// The judged pictures are split in two by the SHA-256 of their files, so that copies stand on one
/// side and the same pictures always fall the same way. On the *choosing* half each stage in turn,
/// in the order of the cascade, gets the threshold that meets the wish on the pictures which the
/// stages before it leave over; on the *judging* half the very same is only counted. A threshold
/// judged on the pictures that it was chosen on looks better than it is.
namespace fpcls {

enum class Figure { precision, recall };

/// At least so much of a figure, in 0..1, both ends left out but 1.
struct Wish {
  Figure figure = Figure::precision;
  double wanted = 0;
};

/// What is wished of which stage. A stage without a wish keeps its threshold, and so do all where
/// nothing is wished.
struct Wishes {
  std::optional<Wish> every_stage;
  std::map<std::string, Wish> stages;  ///< by name; go before `every_stage`
  /// Of all stages together, and then of none alone: the share of right ones among all accepted
  /// pictures, or of rightly accepted ones among all whose truth is a label of any stage.
  std::optional<Wish> funnel;
};

/// What a threshold does to the pictures that reach its stage.
struct ThresholdFigures {
  int64_t entered = 0;    ///< labelled pictures that the stages before it left over
  int64_t accepted = 0;   ///< of those, accepted, rightly or not
  int64_t correct = 0;    ///< of the accepted, under their true label
  int64_t reachable = 0;  ///< of the entered, those whose truth is a label of this stage
  int64_t all = 0;        ///< all labelled pictures: the traffic
  std::optional<double> precision() const { return ratio(correct, accepted); }
  std::optional<double> recall() const { return ratio(correct, reachable); }
  std::optional<double> coverage() const { return ratio(accepted, all); }
  std::optional<Interval> precision_interval() const { return wilson_interval(correct, accepted); }
  std::optional<Interval> recall_interval() const { return wilson_interval(correct, reachable); }
  std::optional<Interval> coverage_interval() const { return wilson_interval(accepted, all); }

 private:
  static std::optional<double> ratio(int64_t part, int64_t whole) {
    if (whole == 0) return std::nullopt;
    return static_cast<double>(part) / static_cast<double>(whole);
  }
};

struct StageChoice {
  std::string stage;
  float was = 0;                ///< the threshold of the run
  std::optional<Wish> wish;     ///< of this stage alone; absent: none
  std::optional<float> accept;  ///< absent: none was wished, or none meets the wish; `was` was kept
  ThresholdFigures chosen_on, judged_on;
};

struct ThresholdChoice {
  std::vector<StageChoice> stages;
  std::optional<Wish> funnel_wish;
  /// Of all stages together; `reachable` are the pictures whose truth is a label of any stage.
  ThresholdFigures funnel_chosen_on, funnel_judged_on;
  /// Right answers of the whole cascade, `otherwise` among them, on the judging half: with the
  /// run's thresholds, then with the chosen ones.
  int64_t judged = 0, correct_before = 0, correct_after = 0;
  int64_t skipped = 0;  ///< pictures without label or a score of every stage
};

/// Takes predictions that hold the scores of all stages (`--all-stages`); others are skipped,
/// because what a stage would say of a picture that it never saw isn't known.
class ThresholdChooser {
 public:
  explicit ThresholdChooser(RunInfo run);
  void add(const Prediction& prediction);

  /// For a precision the lowest threshold whose accepted pictures are right in at least the wanted
  /// share of the cases: it covers most. For a recall the highest that still accepts at least the
  /// wanted share of the pictures that are the stage's. Thresholds are the scores that occur; a
  /// stage with a negative label never gets one of 0.5 or less, where both labels would be
  /// accepted. For the funnel every stage gets one level of the same figure, the lowest of
  /// thousandths (sought by steps of 50, then by halving) with which all together meet the wish.
  ///
  /// Throws Error where no picture can be used or one half has none, and where a wish names no
  /// stage.
  ThresholdChoice choose(const Wishes& wishes) const;

 private:
  struct Row {
    std::vector<StageScores> scores;
    std::string label;
    bool chooses = false;
    bool reachable = false;  // the truth is a label of some stage
  };
  /// `nearest`: where no threshold meets a stage's wish, it gets the one that comes nearest.
  ThresholdChoice choose_each(const std::vector<std::optional<Wish>>& wishes, bool nearest) const;
  ThresholdChoice choose_funnel(Wish wish) const;
  void judge_funnel(const RunInfo& chosen, ThresholdChoice& choice) const;

  RunInfo run_;
  std::vector<Row> rows_;
  int64_t skipped_ = 0;
};

}  // namespace fpcls
