#include "graph/fold.h"

#include <cmath>

namespace fpcls {
namespace {

float scrubbed(double value) {
  const auto rounded = static_cast<float>(value);
  return std::fpclassify(rounded) == FP_SUBNORMAL ? 0.0F : rounded;
}

Tensor scrubbed(const Tensor& tensor) {
  if (tensor.dtype() != DType::f32 || tensor.empty()) return tensor;
  const float* values = tensor.data<float>();
  bool any = false;
  for (int64_t i = 0; i < tensor.count() && !any; ++i) {
    any = std::fpclassify(values[i]) == FP_SUBNORMAL;
  }
  if (!any) return tensor;
  std::vector<float> result(values, values + tensor.count());
  for (float& value : result) value = scrubbed(value);
  return Tensor::from(tensor.shape(), std::move(result));
}

/// `nodes` without those marked in `gone`, whose readers read `replacement` instead.
Graph without(const Graph& graph, std::vector<Node> nodes, const std::vector<bool>& gone,
              const std::vector<int>& replacement) {
  std::vector<Node> kept;
  std::vector<int> place(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (gone[i]) {
      place[i] = place[static_cast<size_t>(replacement[i])];
      continue;
    }
    place[i] = static_cast<int>(kept.size());
    for (int& input : nodes[i].inputs) input = place[static_cast<size_t>(input)];
    kept.push_back(std::move(nodes[i]));
  }
  std::vector<GraphOutput> outputs = graph.outputs();
  for (GraphOutput& output : outputs) output.node = place[static_cast<size_t>(output.node)];
  return Graph(graph.input_shape(), std::move(kept), std::move(outputs));
}

}  // namespace

FoldedWeights fold_batch_norm(const Node& layer, const Node& norm) {
  const Tensor weight = layer.weight("weight");
  const Tensor bias = layer.weight("bias");
  const int64_t channels = weight.shape()[0];
  const int64_t each = weight.count() / channels;
  const double epsilon = std::get<NormAttributes>(norm.attributes).epsilon;
  const auto of = [&](const char* key, int64_t c) {
    return static_cast<double>(norm.weights.at(key).data<float>()[c]);
  };
  std::vector<float> weights(static_cast<size_t>(weight.count()));
  std::vector<float> biases(static_cast<size_t>(channels));
  for (int64_t c = 0; c < channels; ++c) {
    const double scale = of("weight", c) / std::sqrt(of("running_var", c) + epsilon);
    for (int64_t i = c * each; i < (c + 1) * each; ++i) {
      weights[static_cast<size_t>(i)] = scrubbed(weight.data<float>()[i] * scale);
    }
    const double before = bias.empty() ? 0.0 : bias.data<float>()[c];
    biases[static_cast<size_t>(c)] =
        scrubbed((before - of("running_mean", c)) * scale + of("bias", c));
  }
  return {Tensor::from(weight.shape(), std::move(weights)),
          Tensor::from({channels}, std::move(biases))};
}

std::vector<int> foldable_batch_norms(const Graph& graph) {
  std::vector<int> readers(static_cast<size_t>(graph.size()));
  for (const GraphOutput& output : graph.outputs()) ++readers[static_cast<size_t>(output.node)];
  for (const Node& node : graph.nodes()) {
    for (const int input : node.inputs) ++readers[static_cast<size_t>(input)];
  }
  std::vector<int> norms(static_cast<size_t>(graph.size()), -1);
  for (int i = 1; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (node.op != Op::batch_norm) continue;
    const int layer = node.inputs[0];
    if (graph.node(layer).op == Op::conv && graph.node(layer).has_weight_of(DType::f32) &&
        readers[static_cast<size_t>(layer)] == 1) {
      norms[static_cast<size_t>(layer)] = i;
    }
  }
  return norms;
}

Graph fold_batch_norms(const Graph& graph) {
  std::vector<Node> nodes = graph.nodes();
  std::vector<bool> gone(nodes.size());
  std::vector<int> replacement(nodes.size(), -1);
  const std::vector<int> norms = foldable_batch_norms(graph);
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (norms[i] < 0) continue;
    const auto norm = static_cast<size_t>(norms[i]);
    const FoldedWeights folded = fold_batch_norm(nodes[i], nodes[norm]);
    nodes[i].weights["weight"] = folded.weight;
    nodes[i].weights["bias"] = folded.bias;
    gone[norm] = true;
    replacement[norm] = static_cast<int>(i);
  }
  return without(graph, std::move(nodes), gone, replacement);
}

Graph scrub_denormals(const Graph& graph) {
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes) {
    for (auto& [key, tensor] : node.weights) tensor = scrubbed(tensor);
  }
  return graph.with_nodes(std::move(nodes));
}

}  // namespace fpcls
