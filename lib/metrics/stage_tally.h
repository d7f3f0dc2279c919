#pragma once

#include <string>
#include <vector>

#include "metrics/evaluation.h"

/// The parts of EvaluationAccumulator that look at one stage or phase at a time. Internal to
/// lib/metrics.
namespace fpcls {

/// Buckets, histograms, funnel and errors.
class StageTally {
 public:
  explicit StageTally(const RunInfo& run);
  /// `prediction` could be decoded.
  void add(const Prediction& prediction);
  void fill(Evaluation& evaluation) const;

 private:
  void add_scores(const StageScores& scores, const std::string& truth);
  void add_to_curves(const StageScores& scores, const std::string& truth);
  void add_to_funnel(const Prediction& prediction);
  void charge(const Prediction& prediction);

  RunInfo run_;
  std::vector<Buckets> buckets_;
  std::vector<ScoreHistogram> histograms_;
  std::vector<std::vector<ScoreCurveTally>> curves_;  // of each stage
  std::vector<FunnelStage> funnel_;
  int64_t uncharged_ = 0;
  std::vector<ErrorCase> errors_;
};

class LatencyTally {
 public:
  explicit LatencyTally(const RunInfo& run);
  void add(const Prediction& prediction);
  std::vector<PhaseLatency> result() const;

 private:
  struct Phase {
    std::string name;
    std::vector<float> ms;
  };
  std::vector<Phase> phases_;  // decode, resize, the stages, total
};

}  // namespace fpcls
