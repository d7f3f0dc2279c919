#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metrics/intervals.h"
#include "metrics/score_curve.h"
#include "predictions/prediction.h"

/// What is said of a run's predictions: an accumulator that takes them one by one, in any order,
/// and the figures it gives. Nothing depends on the order of the pictures, on shards or on batches.
///
/// *Judged* pictures have a label and could be decoded; all figures on accuracy are about them. A
/// figure whose denominator is 0 is absent. Precision, recall, F1 and accuracy of a class are those
/// of one class against the rest.
namespace fpcls {

struct ImageCounts {
  int64_t listed = 0;  ///< all that were seen: the sum of the next three
  int64_t judged = 0;
  int64_t unlabelled = 0;   ///< decoded, but of unknown truth
  int64_t undecodable = 0;  ///< labelled or not
};

/// One class against all others, over all judged pictures.
struct ClassMetrics {
  std::string label;
  int64_t total = 0;      ///< judged pictures: tp + fp + fn + tn
  int64_t predicted = 0;  ///< tp + fp
  int64_t tp = 0, fp = 0, fn = 0, tn = 0;
  std::optional<double> accuracy;   ///< (tp + tn) / total
  std::optional<double> precision;  ///< tp / (tp + fp)
  std::optional<double> recall;     ///< tp / (tp + fn)
  std::optional<double> f1;         ///< 2 tp / (2 tp + fp + fn)
  std::optional<Interval> accuracy_interval, precision_interval, recall_interval;  ///< Wilson, 95 %
};

struct Overall {
  int64_t judged = 0;
  int64_t correct = 0;
  std::optional<double> accuracy;
  std::optional<Interval> accuracy_interval;
};

/// counts[truth][predicted], over the judged pictures. Labels: the classes, then `otherwise`, then
/// others that occur, sorted.
struct Confusion {
  std::vector<std::string> labels;
  std::vector<std::vector<int64_t>> counts;
};

constexpr std::array<float, 4> kBucketBounds = {0.5F, 0.8F, 0.9F, 0.95F};

/// How many of a stage's pictures have a score for the correct class of at least a bound. Taken
/// over all judged pictures that the stage scored; where the stage has a negative label, or is
/// multi-class, only over those whose truth is one of its labels. Scores and bounds are compared
/// as float32, in which scores are stored.
struct Buckets {
  std::string stage;
  int64_t images = 0;
  std::array<int64_t, kBucketBounds.size()> count{};
  std::array<std::optional<double>, kBucketBounds.size()> ratio;
  std::array<std::optional<Interval>, kBucketBounds.size()> interval;
};

constexpr int kHistogramBins = 20;

/// Scores of the pictures that `Buckets` counts, in equal bins over 0..1, the last with its upper
/// end: `positive` where the truth is the label that the score is for, `negative` elsewhere. A
/// multi-class stage adds one score for each of its labels.
struct ScoreHistogram {
  std::string stage;
  std::array<int64_t, kHistogramBins> positive{};
  std::array<int64_t, kHistogramBins> negative{};
};

/// What happened at a stage. Each wrong answer is charged to one stage, the first that erred: the
/// stage that knows the true label if the picture reached it and went on; else the stage that
/// accepted it under a wrong label. Where no stage knows the true label and none accepted, nobody
/// is charged. Entered and accepted count all decoded pictures, with `--all-stages` too only those
/// that no earlier stage accepted.
struct FunnelStage {
  std::string stage;
  int64_t entered = 0;
  int64_t accepted = 0;
  int64_t wrongly_accepted = 0;
  int64_t wrongly_passed_on = 0;
};

/// Time spent in one phase, over the pictures on which any was spent (none is where a result came
/// from the cache). Quantiles are exact.
struct PhaseLatency {
  std::string phase;  ///< "decode", "resize", a stage's name, "total"
  int64_t images = 0;
  double mean_ms = 0, p50_ms = 0, p90_ms = 0, p95_ms = 0, p99_ms = 0, max_ms = 0;
};

struct CacheCounts {
  int64_t hits = 0, misses = 0, bypassed = 0;
};

struct SliceMetrics {
  std::string name;
  ImageCounts images;
  std::vector<ClassMetrics> classes;
  Overall overall;
};

/// A judged picture with a wrong answer. `harm` is the confidence of the decision that was wrong:
/// the score for the wrong label it was accepted under, or 1 minus the score for the true label
/// where it was passed on. Absent where no stage is charged or its score isn't known.
struct ErrorCase {
  int64_t row = 0;
  std::string path, slice, label, predicted;
  std::string stage;           ///< the one that is charged; empty: none
  std::optional<float> score;  ///< that stage's, for the label that `harm` is about
  std::optional<float> harm;
};

struct BadImage {
  int64_t row = 0;
  std::string path, slice, reason_code, reason;
};

struct Evaluation {
  ImageCounts images;
  std::vector<ClassMetrics> classes;
  Overall overall;
  Confusion confusion;
  std::vector<Buckets> buckets;
  std::vector<ScoreHistogram> scores;
  std::vector<ScoreCurve> curves;  ///< by stage, a positive label before its negative
  std::vector<FunnelStage> funnel;
  int64_t uncharged_errors = 0;  ///< wrong answers that no stage is charged with
  std::vector<PhaseLatency> latency;
  CacheCounts cache;
  int64_t pictures_with_warnings = 0;  ///< the image library complained, and read them
  std::vector<SliceMetrics> slices;
  std::vector<ErrorCase> errors;     ///< most harm first, those without last; then by row
  std::vector<BadImage> bad_images;  ///< by row
};

/// Takes predictions, gives an Evaluation. Memory grows by 4 bytes a picture and phase, and by
/// errors and bad pictures.
///
/// Classes are the labels that the stages can give, in their order (a positive label before its
/// negative), then other labels but `otherwise` that were predicted (or, where the run has no
/// stages, occur at all), sorted.
class EvaluationAccumulator {
 public:
  explicit EvaluationAccumulator(const RunInfo& run);
  ~EvaluationAccumulator();
  EvaluationAccumulator(EvaluationAccumulator&&) noexcept;

  void add(const Prediction& prediction);
  /// Of what was added so far.
  Evaluation result() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The labels that a run's stages can give, each once, in the order of stages.
std::vector<std::string> stage_labels(const RunInfo& run);

}  // namespace fpcls
