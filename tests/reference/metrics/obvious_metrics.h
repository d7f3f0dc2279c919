#pragma once

#include "metrics/evaluation.h"

/// The metrics once more, each counted by itself straight from its definition, one pass over all
/// predictions for every figure: slow and obvious.
namespace fpcls::obvious {

ClassMetrics class_metrics(const std::vector<Prediction>& predictions, const std::string& label);
int64_t confusion(const std::vector<Prediction>& predictions, const std::string& truth,
                  const std::string& predicted);
Overall overall(const std::vector<Prediction>& predictions);
Buckets buckets(const RunInfo& run, const std::vector<Prediction>& predictions, int stage);
ScoreHistogram histogram(const RunInfo& run, const std::vector<Prediction>& predictions, int stage);
FunnelStage funnel(const RunInfo& run, const std::vector<Prediction>& predictions, int stage);
/// Phases numbered as in the report: decode, resize, the stages, total.
PhaseLatency latency(const RunInfo& run, const std::vector<Prediction>& predictions, int phase);
/// The end of Wilson's interval as the root of (p - ratio)^2 = z^2 p (1 - p) / n, found by halving.
double wilson_end(int64_t successes, int64_t n, bool upper);

}  // namespace fpcls::obvious
