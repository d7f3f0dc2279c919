#include "compress/importance.h"

#include <cmath>

#include "base/random.h"

namespace fpcls {
namespace {

size_t at_index(int index) { return static_cast<size_t>(index); }

/// The running mean of each unit's slices.
struct Means {
  std::vector<double> sums;
  std::vector<int64_t> counts;

  explicit Means(int units) : sums(at_index(units)), counts(at_index(units)) {}
  void add(int unit, double value) {
    sums[at_index(unit)] += value;
    ++counts[at_index(unit)];
  }
  double mean(int unit) const {
    const int64_t count = counts[at_index(unit)];
    return count == 0 ? 0 : sums[at_index(unit)] / static_cast<double>(count);
  }
};

/// What one slice of a weight is worth: the sum over its elements.
class Slices {
 public:
  Slices(const Tensor& weight, size_t axis, const Tensor& gradient)
      : weight_(weight), gradient_(gradient) {
    const Shape& shape = weight.shape();
    const auto after = shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1;
    inner_ = element_count(Shape(after, shape.end()));
    extent_ = shape[axis];
    outer_ = weight.count() / inner_ / extent_;
  }

  double sum(int64_t place, Importance importance) const {
    double total = 0;
    for (int64_t i = 0; i < outer_; ++i) {
      const int64_t first = (i * extent_ + place) * inner_;
      for (int64_t e = first; e < first + inner_; ++e) total += term(e, importance);
    }
    return std::abs(total);
  }

 private:
  double term(int64_t element, Importance importance) const {
    const double w = weight_.data<float>()[element];
    if (importance == Importance::taylor) return w * gradient_.data<float>()[element];
    return importance == Importance::l2 ? w * w : std::abs(w);
  }

  const Tensor weight_, gradient_;
  int64_t inner_ = 1, extent_ = 1, outer_ = 1;
};

/// Whether a slice says how strong a channel is: biases and shifts don't.
bool counts(const Node& node, const std::string& key, Importance importance) {
  const bool norm = node.op == Op::batch_norm;
  if (importance == Importance::batch_norm) return norm && key == "weight";
  const bool mixes = node.op == Op::conv || node.op == Op::linear;
  return key == "weight" && (mixes || norm);
}

Means slice_means(const Graph& graph, const ChannelGroups& groups, Importance importance,
                  const Graph* gradients) {
  Means means(groups.unit_count);
  for (int i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    for (const WeightAxis& axis : weight_axes(graph, groups, i)) {
      if (!counts(node, axis.key, importance)) continue;
      const Tensor gradient = gradients == nullptr ? Tensor() : gradients->node(i).weight(axis.key);
      const Slices slices(node.weights.at(axis.key), axis.axis, gradient);
      for (size_t place = 0; place < axis.units.size(); ++place) {
        if (axis.units[place] == kFixed) continue;
        means.add(axis.units[place], slices.sum(static_cast<int64_t>(place), importance));
      }
    }
  }
  return means;
}

bool any_counted(const Means& means, const ChannelGroup& group) {
  for (const int unit : group.units) {
    if (means.counts[at_index(unit)] > 0) return true;
  }
  return false;
}

std::vector<double> random_importance(int units, uint64_t seed) {
  Random random(seed);
  std::vector<double> result(at_index(units));
  for (double& value : result) value = random.uniform();
  return result;
}

}  // namespace

std::vector<double> unit_importance(const Graph& graph, const ChannelGroups& groups,
                                    Importance importance, const Graph* gradients, uint64_t seed) {
  FPCLS_CHECK(importance != Importance::taylor || gradients != nullptr);
  if (importance == Importance::random) return random_importance(groups.unit_count, seed);
  const Means means = slice_means(graph, groups, importance, gradients);
  const bool falls_back = importance == Importance::batch_norm;
  const Means other =
      falls_back ? slice_means(graph, groups, Importance::l2, nullptr) : Means(groups.unit_count);
  std::vector<double> result(at_index(groups.unit_count), 1.0);
  for (const ChannelGroup& group : groups.groups) {
    const Means& used = falls_back && !any_counted(means, group) ? other : means;
    double total = 0;
    for (const int unit : group.units) total += used.mean(unit);
    for (const int unit : group.units) {
      const double share = used.mean(unit) * static_cast<double>(group.units.size());
      result[at_index(unit)] = total > 0 ? share / total : 1;
    }
  }
  return result;
}

}  // namespace fpcls
