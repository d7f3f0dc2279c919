#include "graph/quantize.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "graph/bf16.h"

namespace fpcls {
namespace {

size_t at(int index) { return static_cast<size_t>(index); }

/// Whether every number of the result is one of the inputs'.
bool keeps_numbers(Op op) {
  switch (op) {
    case Op::max_pool:
    case Op::flatten:
    case Op::reshape:
    case Op::permute:
    case Op::slice:
    case Op::concat:
      return true;
    default:
      return false;
  }
}

std::optional<QuantParams> common(const Node& node,
                                  const std::vector<std::optional<QuantParams>>& grids) {
  const std::optional<QuantParams> first = grids[at(node.inputs[0])];
  for (const int input : node.inputs) {
    if (!first || !grids[at(input)] || !(*grids[at(input)] == *first)) return {};
  }
  return first;
}

/// Where what `node` gives is rounded: rounding commutes with taking a maximum, and the result
/// before is the one that a layer gives.
int rounded_source(const Graph& graph, int node) {
  while (graph.node(node).op == Op::max_pool) node = graph.node(node).inputs[0];
  return node;
}

/// Chooses the results that are rounded.
class Rounding {
 public:
  Rounding(const Graph& graph, const std::set<int>& layers) : graph_(graph), layers_(layers) {
    for (const int layer : layers) nodes_.insert(source_of(graph.node(layer).inputs[0]));
    for (int i = 1; i < graph.size(); ++i) {
      if (graph.node(i).op == Op::add && is_rounded(i)) round_earlier_operand(graph.node(i));
    }
  }
  const std::set<int>& nodes() const { return nodes_; }

 private:
  int source_of(int node) const { return rounded_source(graph_, node); }

  /// Whether the sum, or the activation that alone reads it, is rounded.
  bool is_rounded(int sum) const {
    if (nodes_.count(sum) != 0) return true;
    int reader = -1, readers = 0;
    for (int i = sum + 1; i < graph_.size(); ++i) {
      const std::vector<int>& inputs = graph_.node(i).inputs;
      if (std::count(inputs.begin(), inputs.end(), sum) == 0) continue;
      reader = i;
      ++readers;
    }
    return readers == 1 && nodes_.count(reader) != 0;
  }

  /// The later one can be added to in integers, if the other one is integers.
  void round_earlier_operand(const Node& sum) {
    if (sum.inputs.size() != 2 || graph_.shape(sum.inputs[0]) != graph_.shape(sum.inputs[1])) {
      return;
    }
    const int earlier = std::min(sum.inputs[0], sum.inputs[1]);
    const int later = std::max(sum.inputs[0], sum.inputs[1]);
    if (layers_.count(later) != 0) nodes_.insert(source_of(earlier));
  }

  const Graph& graph_;
  const std::set<int>& layers_;
  std::set<int> nodes_;
};

std::set<int> wanted_layers(const Graph& graph, const QuantizePlan& plan) {
  std::set<int> layers;
  for (int i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (node.op == Op::quantize || node.is_int8() || node.is_bf16()) {
      fail("layer {}: is quantized already; quantize the model that it was made from",
           quoted(node.name));
    }
    if (can_quantize(node) && plan.wanted(node)) layers.insert(i);
    if (node.op == Op::batch_norm && layers.count(node.inputs[0]) != 0) {
      fail("layer {}: is a batch norm that isn't folded into {}", quoted(node.name),
           quoted(graph.node(node.inputs[0]).name));
    }
  }
  return layers;
}

Node as_int8(Node node, int highest) {
  Tensor& weight = node.weights["weight"];
  std::vector<float> scales = choose_weight_scales(weight, highest);
  weight = quantize_weight(weight, scales, highest);
  const auto count = static_cast<int64_t>(scales.size());
  node.weights["weight_scale"] = Tensor::from({count}, std::move(scales));
  return node;
}

/// Beyond its range a signed result is cut to -128, as vector instructions do.
QuantParams saturating(QuantParams params) {
  if (params.lowest == -127 && params.highest == 127) params.lowest = -128;
  return params;
}

}  // namespace

std::vector<std::optional<QuantParams>> grids(const Graph& graph) {
  std::vector<std::optional<QuantParams>> result(at(graph.size()));
  for (int i = 1; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (node.op == Op::quantize) {
      result[at(i)] = std::get<QuantizeAttributes>(node.attributes).params;
    } else if (keeps_numbers(node.op)) {
      result[at(i)] = common(node, result);
    }
  }
  return result;
}

bool can_quantize(const Node& node) {
  return node.op == Op::conv && node.has_weight_of(DType::f32);
}

Graph quantize_graph(const Graph& graph, const QuantizePlan& plan) {
  const std::set<int> layers = wanted_layers(graph, plan);
  const Rounding rounding(graph, layers);
  std::vector<Node> nodes;
  std::vector<int> place(at(graph.size()));
  std::map<int, QuantParams> params;
  for (int i = 0; i < graph.size(); ++i) {
    Node node = graph.node(i);
    if (layers.count(i) != 0) {
      const QuantParams& read = params.at(rounded_source(graph, node.inputs[0]));
      node = as_int8(std::move(node),
                     read.lowest < 0 ? plan.highest_weight_of_signed : plan.highest_weight);
    } else if ((node.op == Op::conv || node.op == Op::linear) && plan.in_bf16(node)) {
      node.weights["weight"] = as_bf16(node.weights["weight"]);
    }
    for (int& input : node.inputs) input = place[at(input)];
    const std::string name = node.name + ".quantize";
    place[at(i)] = static_cast<int>(nodes.size());
    nodes.push_back(std::move(node));
    if (rounding.nodes().count(i) == 0) continue;
    nodes.push_back({Op::quantize, name, {place[at(i)]}, {}, {}});
    params[i] = saturating(plan.params(i));
    nodes.back().attributes = QuantizeAttributes{params[i]};
    place[at(i)] = static_cast<int>(nodes.size()) - 1;
  }
  std::vector<GraphOutput> outputs = graph.outputs();
  for (GraphOutput& output : outputs) output.node = place[at(output.node)];
  return Graph(graph.input_shape(), std::move(nodes), std::move(outputs));
}

}  // namespace fpcls
