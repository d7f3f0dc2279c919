#include "compress/equalize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"

namespace fpcls {
namespace {

size_t at(int64_t index) { return static_cast<size_t>(index); }

/// Where a conv's weight {O, I / groups, kh, kw} keeps what input channel `c` is multiplied by.
class InputWeights {
 public:
  explicit InputWeights(const Node& node) : weight_(node.weight("weight")) {
    const Shape& shape = weight_.shape();
    per_group_ = shape[1];
    kernel_ = shape[2] * shape[3];
    outputs_ = shape[0] / node.conv().groups;
  }

  int64_t per_group() const { return per_group_; }
  int64_t kernel() const { return kernel_; }

  /// Calls `use(output, index)` for each weight of channel `c`.
  template <class Use>
  void for_each(int64_t c, const Use& use) const {
    const int64_t group = c / per_group_, inside = c % per_group_;
    for (int64_t o = group * outputs_; o < (group + 1) * outputs_; ++o) {
      const int64_t from = (o * per_group_ + inside) * kernel_;
      for (int64_t k = 0; k < kernel_; ++k) use(o, from + k);
    }
  }

  int64_t outputs() const { return weight_.shape()[0]; }
  double value(int64_t index) const { return weight_.data<float>()[index]; }

 private:
  Tensor weight_;
  int64_t per_group_ = 0, kernel_ = 0, outputs_ = 0;
};

/// In the second layer's result, with these factors.
class Noise {
 public:
  Noise(const Node& second, const ChannelSizes& sizes)
      : weights_(second), largest_(sizes.largest()), squares_(sizes.mean_squares()) {
    for (size_t c = 0; c < largest_.size(); ++c) {
      double sum = 0;
      weights_.for_each(static_cast<int64_t>(c), [&](int64_t, int64_t index) {
        sum += weights_.value(index) * weights_.value(index);
      });
      weight_squares_.push_back(sum);
    }
  }

  const std::vector<double>& weight_squares() const { return weight_squares_; }

  double of(const std::vector<float>& factors) const {
    double range = 0, by_activations = 0;
    std::vector<double> largest_weight(at(weights_.outputs())), inputs(at(weights_.outputs()));
    for (size_t c = 0; c < factors.size(); ++c) {
      const double f = factors[c];
      range = std::max(range, largest_[c] / f);
      by_activations += f * f * weight_squares_[c];
      weights_.for_each(static_cast<int64_t>(c), [&](int64_t o, int64_t index) {
        double& most = largest_weight[at(o)];
        most = std::max(most, std::abs(weights_.value(index)) * f);
        inputs[at(o)] += squares_[c] / (f * f);
      });
    }
    const double step = range / 255;
    double by_weights = 0;
    for (size_t o = 0; o < inputs.size(); ++o) {
      by_weights += std::pow(largest_weight[o] / 127, 2) * inputs[o];
    }
    return (step * step * by_activations + by_weights) / 12;
  }

 private:
  InputWeights weights_;
  const std::vector<double>& largest_;
  std::vector<double> squares_, weight_squares_;
};

bool is_homogeneous(Op op) { return op == Op::relu || op == Op::leaky_relu; }

bool is_real_conv(const Node& node) {
  return node.op == Op::conv && node.weight("weight").dtype() == DType::f32;
}

float power_of_two(double value) {
  constexpr double kMost = 20;
  return static_cast<float>(
      std::exp2(std::clamp(std::round(std::log2(value)), -kMost, kMost)));
}

}  // namespace

std::vector<ScalablePair> scalable_pairs(const Graph& graph) {
  std::vector<std::vector<int>> readers(at(graph.size()));
  for (int i = 0; i < graph.size(); ++i) {
    for (const int input : graph.node(i).inputs) readers[at(input)].push_back(i);
  }
  for (const GraphOutput& output : graph.outputs()) readers[at(output.node)].push_back(-1);
  std::vector<ScalablePair> pairs;
  for (int i = 0; i < graph.size(); ++i) {
    if (!is_real_conv(graph.node(i)) || readers[at(i)].size() != 1) continue;
    ScalablePair pair{i, i, readers[at(i)][0]};
    if (pair.second >= 0 && is_homogeneous(graph.node(pair.second).op)) {
      pair.result = pair.second;
      if (readers[at(pair.result)].size() != 1) continue;
      pair.second = readers[at(pair.result)][0];
    }
    if (pair.second >= 0 && is_real_conv(graph.node(pair.second))) pairs.push_back(pair);
  }
  return pairs;
}

void ChannelSizes::add(const Tensor& values) {
  const Shape& shape = values.shape();
  FPCLS_CHECK(shape.size() == 4);
  largest_.resize(at(shape[1]));
  squares_.resize(at(shape[1]));
  const int64_t pixels = shape[2] * shape[3];
  const float* value = values.data<float>();
  for (int64_t n = 0; n < shape[0]; ++n) {
    for (size_t c = 0; c < largest_.size(); ++c) {
      for (int64_t k = 0; k < pixels; ++k, ++value) {
        const double x = *value;
        largest_[c] = std::max(largest_[c], std::abs(x));
        squares_[c] += x * x;
      }
    }
  }
  numbers_ += shape[0] * pixels;
}

void ChannelSizes::merge(const ChannelSizes& other) {
  if (other.numbers_ == 0) return;
  largest_.resize(other.largest_.size());
  squares_.resize(other.squares_.size());
  for (size_t c = 0; c < largest_.size(); ++c) {
    largest_[c] = std::max(largest_[c], other.largest_[c]);
    squares_[c] += other.squares_[c];
  }
  numbers_ += other.numbers_;
}

std::vector<double> ChannelSizes::mean_squares() const {
  std::vector<double> means = squares_;
  for (double& mean : means) mean /= static_cast<double>(std::max<int64_t>(1, numbers_));
  return means;
}

ChannelFactors choose_factors(const Node& second, const ChannelSizes& sizes) {
  const Noise noise(second, sizes);
  const std::vector<double>& largest = sizes.largest();
  ChannelFactors best{std::vector<float>(largest.size(), 1.0F), 0};
  const double before = noise.of(best.factors);
  if (!std::isfinite(before) || before <= 0) return best;
  const double whole = *std::max_element(largest.begin(), largest.end());
  double least = before;
  for (const double activations : {0.5, 0.75, 1.0}) {
    // Channels that never fire have no size, and what they are scaled by doesn't matter.
    std::vector<float> factors(largest.size(), 1.0F);
    for (size_t c = 0; c < largest.size(); ++c) {
      const double weights = std::sqrt(noise.weight_squares()[c]);
      if (largest[c] <= 0 || weights <= 0) continue;
      factors[c] = power_of_two(std::pow(largest[c] / whole, activations) *
                                std::pow(weights, activations - 1));
    }
    const double now = noise.of(factors);
    if (now < least) {
      least = now;
      best = {std::move(factors), 10 * std::log10(before / now)};
    }
  }
  return best;
}

Graph scaled_pair(const Graph& graph, const ScalablePair& pair, const std::vector<float>& factors) {
  std::vector<Node> nodes = graph.nodes();
  Node& first = nodes[at(pair.first)];
  const auto numbers = [](const Tensor& tensor) {
    return std::vector<float>(tensor.data<float>(), tensor.data<float>() + tensor.count());
  };
  const Tensor weight = first.weight("weight"), bias = first.weight("bias");
  std::vector<float> values = numbers(weight), biases = bias.empty() ? values : numbers(bias);
  const size_t of_each = values.size() / factors.size();
  for (size_t c = 0; c < factors.size(); ++c) {
    for (size_t i = 0; i < of_each; ++i) values[c * of_each + i] /= factors[c];
    if (!bias.empty()) biases[c] /= factors[c];
  }
  first.weights["weight"] = Tensor::from(weight.shape(), std::move(values));
  if (!bias.empty()) first.weights["bias"] = Tensor::from(bias.shape(), std::move(biases));
  Node& second = nodes[at(pair.second)];
  const InputWeights reads(second);
  std::vector<float> read = numbers(second.weight("weight"));
  for (size_t c = 0; c < factors.size(); ++c) {
    reads.for_each(static_cast<int64_t>(c),
                   [&](int64_t, int64_t index) { read[at(index)] *= factors[c]; });
  }
  second.weights["weight"] = Tensor::from(second.weight("weight").shape(), std::move(read));
  return graph.with_nodes(std::move(nodes));
}

}  // namespace fpcls
