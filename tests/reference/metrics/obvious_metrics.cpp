#include "reference/metrics/obvious_metrics.h"

#include <algorithm>
#include <cmath>

namespace fpcls::obvious {
namespace {

std::vector<Prediction> judged(const std::vector<Prediction>& predictions) {
  std::vector<Prediction> result;
  for (const Prediction& p : predictions) {
    if (p.reason_code.empty() && p.label) result.push_back(p);
  }
  return result;
}

template <class Condition>
int64_t count(const std::vector<Prediction>& predictions, Condition condition) {
  return std::count_if(predictions.begin(), predictions.end(), condition);
}

double over(int64_t a, int64_t b) { return static_cast<double>(a) / static_cast<double>(b); }

std::vector<std::string> labels_of(const StageInfo& stage) {
  std::vector<std::string> labels = stage.scored_labels;
  if (!stage.negative.empty()) labels.push_back(stage.negative);
  return labels;
}

bool gives(const StageInfo& stage, const std::string& label) {
  const auto labels = labels_of(stage);
  return std::count(labels.begin(), labels.end(), label) > 0;
}

/// The stage's scores of the pictures that count in its buckets, with their truths.
std::vector<std::pair<std::vector<float>, std::string>> counted(
    const RunInfo& run, const std::vector<Prediction>& predictions, int stage) {
  const StageInfo& info = run.stages[static_cast<size_t>(stage)];
  std::vector<std::pair<std::vector<float>, std::string>> result;
  for (const Prediction& p : judged(predictions)) {
    for (const StageScores& s : p.scores) {
      if (s.stage != stage) continue;
      if ((!info.binary || !info.negative.empty()) && !gives(info, *p.label)) continue;
      result.emplace_back(s.scores, *p.label);
    }
  }
  return result;
}

/// -1: nobody is charged with this wrong answer.
int charged_stage(const RunInfo& run, const Prediction& p) {
  for (int s = 0; s < static_cast<int>(run.stages.size()); ++s) {
    if (s == p.stage) return s;
    if (gives(run.stages[static_cast<size_t>(s)], *p.label)) return s;
  }
  return -1;
}

double numpy_quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const double below = std::floor(place), above = std::ceil(place);
  const double low = values[static_cast<size_t>(below)], high = values[static_cast<size_t>(above)];
  return low + (high - low) * (place - below);
}

}  // namespace

ClassMetrics class_metrics(const std::vector<Prediction>& predictions, const std::string& label) {
  const auto all = judged(predictions);
  ClassMetrics c;
  c.label = label;
  c.total = static_cast<int64_t>(all.size());
  c.predicted = count(all, [&](const auto& p) { return p.predicted == label; });
  c.tp = count(all, [&](const auto& p) { return p.predicted == label && *p.label == label; });
  c.fp = count(all, [&](const auto& p) { return p.predicted == label && *p.label != label; });
  c.fn = count(all, [&](const auto& p) { return p.predicted != label && *p.label == label; });
  c.tn = count(all, [&](const auto& p) { return p.predicted != label && *p.label != label; });
  if (c.total > 0) c.accuracy = over(c.tp + c.tn, c.total);
  if (c.tp + c.fp > 0) c.precision = over(c.tp, c.tp + c.fp);
  if (c.tp + c.fn > 0) c.recall = over(c.tp, c.tp + c.fn);
  if (c.precision && c.recall && c.tp > 0) {
    c.f1 = 2 / (1 / *c.precision + 1 / *c.recall);
  } else if (c.fp + c.fn > 0) {
    c.f1 = 0;
  }
  return c;
}

int64_t confusion(const std::vector<Prediction>& predictions, const std::string& truth,
                  const std::string& predicted) {
  return count(judged(predictions),
               [&](const auto& p) { return *p.label == truth && p.predicted == predicted; });
}

Overall overall(const std::vector<Prediction>& predictions) {
  const auto all = judged(predictions);
  Overall result;
  result.judged = static_cast<int64_t>(all.size());
  result.correct = count(all, [](const auto& p) { return p.predicted == *p.label; });
  if (!all.empty()) result.accuracy = over(result.correct, result.judged);
  return result;
}

Buckets buckets(const RunInfo& run, const std::vector<Prediction>& predictions, int stage) {
  const StageInfo& info = run.stages[static_cast<size_t>(stage)];
  Buckets result;
  result.stage = info.name;
  for (const auto& [scores, truth] : counted(run, predictions, stage)) {
    ++result.images;
    float correct = 1 - scores[0];
    for (size_t i = 0; i < scores.size(); ++i) {
      if (info.scored_labels[i] == truth) correct = scores[i];
    }
    if (correct >= 0.5F) ++result.count[0];
    if (correct >= 0.8F) ++result.count[1];
    if (correct >= 0.9F) ++result.count[2];
    if (correct >= 0.95F) ++result.count[3];
  }
  return result;
}

ScoreHistogram histogram(const RunInfo& run, const std::vector<Prediction>& predictions,
                         int stage) {
  const StageInfo& info = run.stages[static_cast<size_t>(stage)];
  ScoreHistogram result;
  result.stage = info.name;
  for (size_t bin = 0; bin < kHistogramBins; ++bin) {
    const auto low = static_cast<float>(static_cast<double>(bin) / kHistogramBins);
    const auto high = static_cast<float>(static_cast<double>(bin + 1) / kHistogramBins);
    const bool last = bin + 1 == kHistogramBins;
    for (const auto& [scores, truth] : counted(run, predictions, stage)) {
      for (size_t i = 0; i < scores.size(); ++i) {
        if (scores[i] < low || (scores[i] >= high && !last)) continue;
        ++(info.scored_labels[i] == truth ? result.positive : result.negative)[bin];
      }
    }
  }
  return result;
}

FunnelStage funnel(const RunInfo& run, const std::vector<Prediction>& predictions, int stage) {
  FunnelStage result;
  result.stage = run.stages[static_cast<size_t>(stage)].name;
  for (const Prediction& p : predictions) {
    if (!p.reason_code.empty()) continue;
    if (p.stage == -1 || p.stage >= stage) ++result.entered;
    if (p.stage == stage) ++result.accepted;
  }
  for (const Prediction& p : judged(predictions)) {
    if (p.predicted == *p.label || charged_stage(run, p) != stage) continue;
    ++(p.stage == stage ? result.wrongly_accepted : result.wrongly_passed_on);
  }
  return result;
}

PhaseLatency latency(const RunInfo& run, const std::vector<Prediction>& predictions, int phase) {
  std::vector<double> values;
  const int stages = static_cast<int>(run.stages.size());
  for (const Prediction& p : predictions) {
    if (!p.reason_code.empty()) continue;
    double ms = phase == 0 ? p.decode_ms : phase == 1 ? p.resize_ms : p.total_ms();
    if (phase >= 2 && phase < 2 + stages) {
      ms = 0;
      for (const StageScores& s : p.scores) {
        if (s.stage == phase - 2) ms = s.ms;
      }
    }
    if (ms > 0) values.push_back(static_cast<double>(static_cast<float>(ms)));
  }
  PhaseLatency result;
  result.images = static_cast<int64_t>(values.size());
  if (values.empty()) return result;
  long double sum = 0;
  for (const double ms : values) sum += ms;
  result.mean_ms = static_cast<double>(sum / static_cast<long double>(values.size()));
  result.p50_ms = numpy_quantile(values, 0.5);
  result.p90_ms = numpy_quantile(values, 0.9);
  result.p95_ms = numpy_quantile(values, 0.95);
  result.p99_ms = numpy_quantile(values, 0.99);
  result.max_ms = *std::max_element(values.begin(), values.end());
  return result;
}

double wilson_end(int64_t successes, int64_t n, bool upper) {
  const double ratio = over(successes, n);
  const auto outside = [&](double p) {
    return (p - ratio) * (p - ratio) > kNormal95 * kNormal95 * p * (1 - p) / static_cast<double>(n);
  };
  double inner = ratio, outer = upper ? 1 : 0;
  if (!outside(outer)) return outer;
  for (int i = 0; i < 200; ++i) {
    const double middle = (inner + outer) / 2;
    (outside(middle) ? outer : inner) = middle;
  }
  return inner;
}

}  // namespace fpcls::obvious
