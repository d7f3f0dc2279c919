#include "graph/head.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {
namespace {

/// Computed from the side where exp can't overflow.
double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

std::vector<double> softmax(const float* logits, size_t count, double temperature) {
  const double largest = *std::max_element(logits, logits + count);
  std::vector<double> result(count);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    result[i] = std::exp((logits[i] - largest) / temperature);
    sum += result[i];
  }
  for (double& value : result) value /= sum;
  return result;
}

}  // namespace

std::vector<float> scores_of(const Head& head, const float* logits) {
  const size_t count = head.labels.size();
  if (head.binary() && count == 1)
    return {static_cast<float>(sigmoid(logits[0] / double{head.temperature}))};
  const std::vector<double> probabilities = softmax(logits, count, head.temperature);
  if (head.binary()) {
    return {static_cast<float>(probabilities[static_cast<size_t>(head.positive)])};
  }
  return std::vector<float>(probabilities.begin(), probabilities.end());
}

void check_head(const Head& head, int outputs, const std::string& where) {
  const auto labels = static_cast<int>(head.labels.size());
  if (labels != outputs || outputs == 0) {
    fail("{}: the network has {} outputs and {} labels, expected one label for each output", where,
         outputs, labels);
  }
  if (!(head.temperature > 0 && head.temperature <= 1000)) {
    fail("{}: the temperature is {}, expected above 0, at most 1000", where, head.temperature);
  }
  std::set<std::string> seen;
  for (const std::string& label : head.labels) {
    if (label.empty()) fail("{}: a label is empty", where);
    if (!seen.insert(label).second) fail("{}: label {} is given twice", where, quoted(label));
  }
  if (head.positive < -1 || head.positive >= labels) {
    fail("{}: the positive label is number {}, expected 0 to {}, or -1 for a multi-class model",
         where, head.positive, labels - 1);
  }
  if (head.binary() && outputs > 2) {
    fail("{}: the network has {} outputs, expected 1 or 2 where one label is positive", where,
         outputs);
  }
  if (!head.binary() && outputs == 1) {
    fail("{}: the network has one output, expected its label to be the positive one", where);
  }
}

}  // namespace fpcls
