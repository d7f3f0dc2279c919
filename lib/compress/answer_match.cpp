#include "compress/answer_match.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace fpcls {
namespace {

/// Over pictures: of each of two or more labels its mean probability, and that of the likeliest.
struct Means {
  std::vector<double> labels;
  double confidence = 0;
};

Means means_of(const std::vector<float>& logits, const AnswerMatch& match) {
  const size_t outputs = match.shift.size();
  const auto pictures = static_cast<double>(logits.size() / outputs);
  std::vector<double> row(std::max<size_t>(outputs, 2));
  Means means{std::vector<double>(row.size()), 0};
  for (size_t first = 0; first < logits.size(); first += outputs) {
    row.back() = 0;  // a single output's other label
    for (size_t k = 0; k < outputs; ++k) {
      row[k] = match.scale * double{logits[first + k]} + match.shift[k];
    }
    const double largest = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (double& x : row) sum += x = std::exp(x - largest);
    for (size_t k = 0; k < row.size(); ++k) means.labels[k] += row[k] / sum / pictures;
    means.confidence += 1 / sum / pictures;
  }
  return means;
}

/// The shift that gives `wanted` at the match's scale, starting from its own.
std::vector<double> shift_for(const std::vector<double>& wanted, const std::vector<float>& student,
                              AnswerMatch match) {
  constexpr int kMostRounds = 100;
  constexpr double kEnough = 1e-7;
  constexpr double kLeast = 1e-6;  // of a probability, so that it has a logarithm
  std::vector<double>& shift = match.shift;
  for (int round = 0; round < kMostRounds; ++round) {
    const std::vector<double> got = means_of(student, match).labels;
    std::vector<double> steps;
    for (size_t k = 0; k < wanted.size(); ++k) {
      steps.push_back(std::log(std::max(wanted[k], kLeast) / std::max(got[k], kLeast)));
    }
    double largest = 0;
    for (size_t k = 0; k < shift.size(); ++k) {
      // A single output is the difference to the label whose logit is 0.
      const double step = shift.size() == 1 ? steps[0] - steps[1] : steps[k];
      shift[k] += step;
      largest = std::max(largest, std::abs(step));
    }
    if (largest < kEnough) break;
  }
  if (shift.size() == 1) return shift;
  // All outputs together may be moved without any effect.
  const double mean =
      std::accumulate(shift.begin(), shift.end(), 0.0) / static_cast<double>(shift.size());
  for (double& one : shift) one -= mean;
  return shift;
}

}  // namespace

AnswerMatch answer_match(const std::vector<float>& student, const std::vector<float>& teacher,
                         int64_t outputs) {
  constexpr double kLargest = 2;    // scale
  constexpr int kHalvings = 18;     // to 1e-5 of the scale
  constexpr double kEnough = 1e-5;  // of a mean
  const auto count = static_cast<size_t>(outputs);
  FPCLS_CHECK(outputs > 0 && !student.empty() && student.size() % count == 0);
  FPCLS_CHECK(student.size() == teacher.size());
  AnswerMatch match{1, std::vector<double>(count)};
  const Means wanted = means_of(teacher, match);
  const auto missing_at = [&](double scale) {
    match.scale = scale;
    match.shift = shift_for(wanted.labels, student, match);
    return wanted.confidence - means_of(student, match).confidence;
  };
  // Where all answers are one label its mean is the confidence: then no scale is righter than 1.
  if (std::abs(missing_at(1)) < kEnough) return match;
  // The surer, the larger the scale: at 0 every answer is the labels' shares.
  double low = -std::log(kLargest), high = std::log(kLargest);
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (missing_at(std::exp(middle)) > 0 ? low : high) = middle;
  }
  missing_at(std::exp((low + high) / 2));
  return match;
}

}  // namespace fpcls
