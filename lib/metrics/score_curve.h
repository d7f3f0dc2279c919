#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metrics/intervals.h"

/// What a stage's scores are worth: precision and recall at every threshold, and how often a score
/// is right that says how sure it is. Counted over the pictures that `Buckets` counts, each stage
/// on its own, whatever the stages before it took.
namespace fpcls {

constexpr int kThresholdSteps = 100;
constexpr int kReliabilityBins = 10;

/// Of one label of a binary stage (its negative label has a curve of its own, over 1 - score), or
/// of a multi-class stage as a whole, whose score is the best label's.
struct ScoreCurve {
  /// The pictures whose score lies in one tenth of 0..1, the last with its upper end.
  struct Bin {
    int64_t images = 0;
    int64_t right = 0;  ///< whose truth is the label
    std::optional<double> mean_score;
    std::optional<double> right_ratio;
    std::optional<Interval> right_interval;  ///< Wilson, 95 %
  };

  std::string stage;
  std::string label;      ///< empty of a multi-class stage
  int64_t images = 0;     ///< scored, with a label
  int64_t positives = 0;  ///< whose truth is the label; of a multi-class stage all
  /// At threshold i / 100, compared as float32: pictures with at least that score, and those of
  /// them whose truth is the label.
  std::array<int64_t, kThresholdSteps + 1> accepted{}, right{};
  std::array<Bin, kReliabilityBins> bins;
  /// Expected calibration error (Naeini et al. 2015): the mean over pictures of how far their bin's
  /// ratio lies from its mean score.
  std::optional<double> calibration_error;

  std::optional<double> precision(int step) const;  ///< right / accepted
  std::optional<double> recall(int step) const;     ///< right / positives
};

/// Gathers a curve. The result doesn't depend on the order.
class ScoreCurveTally {
 public:
  ScoreCurveTally(std::string stage, std::string label);
  /// `positive`: the truth is the label; `counts_as_missed`: where it isn't accepted, recall falls
  /// (the same for a binary stage, always for a multi-class one).
  void add(float score, bool positive, bool counts_as_missed);
  ScoreCurve result() const;

 private:
  ScoreCurve curve_;  // accepted and right by step, not yet summed up
  /// Sums of scores in units of 2^-32, which add up the same in any order.
  std::array<int64_t, kReliabilityBins> score_sums_{};
};

}  // namespace fpcls
