#include "metrics/stage_tally.h"

#include <algorithm>
#include <utility>

#include "metrics/charge.h"

namespace fpcls {
namespace {

size_t bin_of(float score) {
  // Compared with the edges as float32: 0.35F * 20 in float64 is just below 7.
  size_t bin = 0;
  while (bin + 1 < kHistogramBins &&
         score >= static_cast<float>(static_cast<double>(bin + 1) / kHistogramBins)) {
    ++bin;
  }
  return bin;
}

/// Most harm first, those without last, then by row.
bool comes_before(const ErrorCase& a, const ErrorCase& b) {
  if (a.harm.has_value() != b.harm.has_value()) return a.harm.has_value();
  if (a.harm && *a.harm != *b.harm) return *a.harm > *b.harm;
  return a.row < b.row;
}

}  // namespace

StageTally::StageTally(const RunInfo& run)
    : run_(run),
      buckets_(run.stages.size()),
      histograms_(run.stages.size()),
      funnel_(run.stages.size()) {
  for (size_t i = 0; i < run_.stages.size(); ++i) {
    const StageInfo& stage = run_.stages[i];
    buckets_[i].stage = histograms_[i].stage = funnel_[i].stage = stage.name;
    curves_.emplace_back();
    curves_.back().emplace_back(stage.name, stage.binary ? stage.scored_labels.at(0) : "");
    if (!stage.negative.empty()) curves_.back().emplace_back(stage.name, stage.negative);
  }
}

void StageTally::add(const Prediction& prediction) {
  add_to_funnel(prediction);
  if (!prediction.label) return;
  for (const StageScores& scores : prediction.scores) add_scores(scores, *prediction.label);
  if (prediction.predicted != *prediction.label) charge(prediction);
}

void StageTally::add_scores(const StageScores& scores, const std::string& truth) {
  const auto place = static_cast<size_t>(scores.stage);
  const StageInfo& stage = run_.stages.at(place);
  const std::optional<float> correct = correct_score(stage, scores.scores, truth);
  if (!correct) return;
  Buckets& buckets = buckets_[place];
  ++buckets.images;
  for (size_t i = 0; i < kBucketBounds.size(); ++i) {
    if (*correct >= kBucketBounds[i]) ++buckets.count[i];
  }
  ScoreHistogram& histogram = histograms_[place];
  for (size_t i = 0; i < scores.scores.size(); ++i) {
    auto& side = stage.scored_labels.at(i) == truth ? histogram.positive : histogram.negative;
    ++side[bin_of(scores.scores[i])];
  }
  add_to_curves(scores, truth);
}

void StageTally::add_to_curves(const StageScores& scores, const std::string& truth) {
  const auto place = static_cast<size_t>(scores.stage);
  const StageInfo& stage = run_.stages[place];
  std::vector<ScoreCurveTally>& curves = curves_[place];
  if (!stage.binary) {
    const auto best = std::max_element(scores.scores.begin(), scores.scores.end());
    const auto label = static_cast<size_t>(best - scores.scores.begin());
    curves[0].add(*best, stage.scored_labels[label] == truth, true);
    return;
  }
  const float score = scores.scores.at(0);
  const bool positive = stage.scored_labels[0] == truth;
  curves[0].add(score, positive, positive);
  const bool negative = stage.negative == truth;
  if (curves.size() > 1) curves[1].add(1.0F - score, negative, negative);
}

void StageTally::add_to_funnel(const Prediction& prediction) {
  for (size_t i = 0; i < funnel_.size(); ++i) {
    if (prediction.stage >= 0 && static_cast<size_t>(prediction.stage) < i) return;
    ++funnel_[i].entered;
    if (prediction.stage == static_cast<int>(i)) ++funnel_[i].accepted;
  }
}

void StageTally::charge(const Prediction& p) {
  const Charge charge = charge_error(run_, p, *p.label);
  ErrorCase error{p.row, p.path, p.slice, *p.label, p.predicted, "", charge.score, charge.harm};
  if (charge.stage < 0) {
    ++uncharged_;
  } else {
    FunnelStage& funnel = funnel_[static_cast<size_t>(charge.stage)];
    ++(charge.passed_on ? funnel.wrongly_passed_on : funnel.wrongly_accepted);
    error.stage = funnel.stage;
  }
  errors_.push_back(std::move(error));
}

void StageTally::fill(Evaluation& evaluation) const {
  evaluation.buckets = buckets_;
  for (Buckets& buckets : evaluation.buckets) {
    for (size_t i = 0; i < kBucketBounds.size(); ++i) {
      if (buckets.images == 0) continue;
      buckets.ratio[i] =
          static_cast<double>(buckets.count[i]) / static_cast<double>(buckets.images);
      buckets.interval[i] = wilson_interval(buckets.count[i], buckets.images);
    }
  }
  evaluation.scores = histograms_;
  for (const auto& of_stage : curves_) {
    for (const ScoreCurveTally& curve : of_stage) evaluation.curves.push_back(curve.result());
  }
  evaluation.funnel = funnel_;
  evaluation.uncharged_errors = uncharged_;
  evaluation.errors = errors_;
  std::sort(evaluation.errors.begin(), evaluation.errors.end(), comes_before);
}

LatencyTally::LatencyTally(const RunInfo& run) {
  phases_ = {{"decode", {}}, {"resize", {}}};
  for (const StageInfo& stage : run.stages) phases_.push_back({stage.name, {}});
  phases_.push_back({"total", {}});
}

void LatencyTally::add(const Prediction& prediction) {
  const auto put = [](Phase& phase, double ms) {
    if (ms > 0) phase.ms.push_back(static_cast<float>(ms));
  };
  put(phases_[0], prediction.decode_ms);
  put(phases_[1], prediction.resize_ms);
  for (const StageScores& scores : prediction.scores) {
    put(phases_.at(2 + static_cast<size_t>(scores.stage)), scores.ms);
  }
  put(phases_.back(), prediction.total_ms());
}

std::vector<PhaseLatency> LatencyTally::result() const {
  std::vector<PhaseLatency> result;
  for (const Phase& phase : phases_) {
    if (phase.ms.empty()) continue;
    std::vector<float> sorted = phase.ms;
    std::sort(sorted.begin(), sorted.end());
    PhaseLatency latency;
    latency.phase = phase.name;
    latency.images = static_cast<int64_t>(sorted.size());
    double sum = 0;  // of the sorted ones: the same in whatever order they came
    for (const float ms : sorted) sum += ms;
    latency.mean_ms = sum / static_cast<double>(sorted.size());
    latency.p50_ms = quantile(sorted, 0.5);
    latency.p90_ms = quantile(sorted, 0.9);
    latency.p95_ms = quantile(sorted, 0.95);
    latency.p99_ms = quantile(sorted, 0.99);
    latency.max_ms = sorted.back();
    result.push_back(std::move(latency));
  }
  return result;
}

}  // namespace fpcls
