#include "metrics/score_curve.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fpcls {
namespace {

constexpr double kScoreUnit = 4294967296.0;  // 2^32

/// The last of `steps` equal parts of 0..1 whose lower end is at most `score`, as float32 compares.
size_t part_of(float score, int steps) {
  const auto bound = [&](int part) {
    return static_cast<float>(static_cast<double>(part) / static_cast<double>(steps));
  };
  int part = std::clamp(static_cast<int>(score * static_cast<float>(steps)), 0, steps);
  while (part > 0 && score < bound(part)) --part;
  while (part < steps && score >= bound(part + 1)) ++part;
  return static_cast<size_t>(part);
}

std::optional<double> ratio(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::optional<double> ScoreCurve::precision(int step) const {
  return ratio(right.at(static_cast<size_t>(step)), accepted.at(static_cast<size_t>(step)));
}

std::optional<double> ScoreCurve::recall(int step) const {
  return ratio(right.at(static_cast<size_t>(step)), positives);
}

ScoreCurveTally::ScoreCurveTally(std::string stage, std::string label) {
  curve_.stage = std::move(stage);
  curve_.label = std::move(label);
}

void ScoreCurveTally::add(float score, bool positive, bool counts_as_missed) {
  ++curve_.images;
  if (counts_as_missed) ++curve_.positives;
  const size_t step = part_of(score, kThresholdSteps);
  ++curve_.accepted[step];
  if (positive) ++curve_.right[step];
  const size_t bin = std::min<size_t>(part_of(score, kReliabilityBins), kReliabilityBins - 1);
  ++curve_.bins[bin].images;
  if (positive) ++curve_.bins[bin].right;
  score_sums_[bin] += std::llround(static_cast<double>(score) * kScoreUnit);
}

ScoreCurve ScoreCurveTally::result() const {
  ScoreCurve curve = curve_;
  for (size_t step = kThresholdSteps; step-- > 0;) {
    curve.accepted[step] += curve.accepted[step + 1];
    curve.right[step] += curve.right[step + 1];
  }
  double distance = 0;
  for (size_t i = 0; i < curve.bins.size(); ++i) {
    ScoreCurve::Bin& bin = curve.bins[i];
    if (bin.images == 0) continue;
    const auto images = static_cast<double>(bin.images);
    bin.mean_score = static_cast<double>(score_sums_[i]) / kScoreUnit / images;
    bin.right_ratio = ratio(bin.right, bin.images);
    bin.right_interval = wilson_interval(bin.right, bin.images);
    distance += images * std::abs(*bin.right_ratio - *bin.mean_score);
  }
  if (curve.images > 0) curve.calibration_error = distance / static_cast<double>(curve.images);
  return curve;
}

}  // namespace fpcls
