#include "reference/graph/channel_dependency.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "reference/graph/naive_ops.h"

namespace fpcls::naive {
namespace {

bool mixes(const Node& node) {
  return node.op == Op::linear ||
         (node.op == Op::conv && node.conv().groups != node.weights.at("weight").shape()[0]);
}

Array random_array(const Shape& shape, Random& random) {
  Array array{shape, {}};
  array.values.resize(static_cast<size_t>(element_count(shape)));
  for (double& value : array.values) value = random.uniform(1, 2);
  return array;
}

/// Weights without their sign, lest a ReLU swallow a change.
Node positive(Node node) {
  for (auto& [key, tensor] : node.weights) {
    std::vector<float> values(tensor.data<float>(), tensor.data<float>() + tensor.count());
    for (float& value : values) value = std::abs(value);
    tensor = Tensor::from(tensor.shape(), std::move(values));
  }
  return node;
}

/// All results, those of layers that mix being given.
std::vector<Array> fill_in(const Graph& graph, std::vector<Array> given) {
  for (int i = 1; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (mixes(node)) continue;
    std::vector<Array> inputs;
    for (const int input : node.inputs) inputs.push_back(given[static_cast<size_t>(input)]);
    given[static_cast<size_t>(i)] = apply(positive(node), inputs, graph.shape(i));
  }
  return given;
}

/// Adds to the elements of one channel; the channels are along `axis`.
void change_channel(Array& array, size_t axis, int channel) {
  const Shape inner(array.shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, array.shape.end());
  const auto stride = static_cast<size_t>(element_count(inner));
  for (size_t i = 0; i < array.values.size(); ++i) {
    if (i / stride % static_cast<size_t>(array.shape[axis]) == static_cast<size_t>(channel)) {
      array.values[i] += 3;
    }
  }
}

void replace(std::vector<Dependency>& all, int from, int to) {
  for (Dependency& d : all) {
    if (d.set == from) d.set = to;
  }
}

}  // namespace

std::vector<Dependency> find_dependencies(const Graph& graph) {
  Random random(1);
  std::vector<Array> given(static_cast<size_t>(graph.size()));
  for (int i = 0; i < graph.size(); ++i) {
    if (i == 0 || mixes(graph.node(i))) {
      given[static_cast<size_t>(i)] = random_array(graph.shape(i), random);
    }
  }
  const std::vector<Array> before = fill_in(graph, given);
  // For each number of each result, the set that changed it so far; -1: none, -2: the picture.
  std::vector<std::vector<int>> changed_by;
  for (const Array& array : before) changed_by.emplace_back(array.values.size(), -1);
  std::vector<Dependency> found;
  std::vector<bool> fixed_sets;
  for (int i = 0; i < graph.size(); ++i) {
    if (i != 0 && !mixes(graph.node(i))) continue;
    const size_t axis = graph.node(i).op == Op::linear ? graph.shape(i).size() - 1 : 1;
    for (int channel = 0; channel < graph.shape(i)[axis]; ++channel) {
      std::vector<Array> changed = given;
      change_channel(changed[static_cast<size_t>(i)], axis, channel);
      changed = fill_in(graph, std::move(changed));
      const int set = static_cast<int>(fixed_sets.size());
      fixed_sets.push_back(i == 0);
      found.push_back({i, channel, set, false});
      for (size_t n = 0; n < changed.size(); ++n) {
        for (size_t e = 0; e < changed[n].values.size(); ++e) {
          if (changed[n].values[e] == before[n].values[e]) continue;
          int& other = changed_by[n][e];
          if (other >= 0) replace(found, found[static_cast<size_t>(other)].set, set);
          other = static_cast<int>(found.size()) - 1;
        }
      }
    }
  }
  std::vector<bool> fixed(found.size());
  for (const GraphOutput& output : graph.outputs()) {
    for (const int last : changed_by[static_cast<size_t>(output.node)]) {
      if (last >= 0) fixed[static_cast<size_t>(found[static_cast<size_t>(last)].set)] = true;
    }
  }
  for (const Dependency& d : found) {
    if (d.node == 0) fixed[static_cast<size_t>(d.set)] = true;
  }
  for (Dependency& d : found) d.fixed = fixed[static_cast<size_t>(d.set)];
  found.erase(std::remove_if(found.begin(), found.end(),
                             [](const Dependency& d) { return d.node == 0; }),
              found.end());
  return found;
}

}  // namespace fpcls::naive
