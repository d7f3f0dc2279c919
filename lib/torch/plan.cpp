#include "torch/plan.h"

#include <set>

#include "base/text.h"
#include "torch/convert.h"

namespace fpcls {
namespace {

size_t at_index(int index) { return static_cast<size_t>(index); }

int64_t bytes_of(const NodeWeights& weights) {
  int64_t bytes = 0;
  for (const auto& [key, tensor] : weights) bytes += static_cast<int64_t>(tensor.nbytes());
  return bytes;
}

/// Whether the op's result may lie in its input's memory.
bool gives_view(Op op) {
  return op == Op::flatten || op == Op::reshape || op == Op::permute || op == Op::slice;
}

bool is_add_relu(const Node& node, bool relu) { return relu && node.op == Op::add; }

}  // namespace

/// Who reads each node's result.
struct Plan::Uses {
  std::vector<std::vector<int>> readers;
  std::vector<bool> needed;  ///< for the first output

  explicit Uses(const Graph& graph)
      : readers(at_index(graph.size())), needed(at_index(graph.size())) {
    needed[at_index(graph.outputs()[0].node)] = true;
    for (int i = graph.size() - 1; i >= 0; --i) {
      if (!needed[at_index(i)]) continue;
      for (const int input : graph.node(i).inputs) {
        needed[at_index(input)] = true;
        readers[at_index(input)].push_back(i);
      }
    }
  }

  /// The only reader of `node` if it is an `op`, or -1. The output is read by the caller too.
  int only_reader(const Graph& graph, int node, Op op) const {
    const std::vector<int>& found = readers[at_index(node)];
    if (found.size() != 1 || node == graph.outputs()[0].node) return -1;
    return graph.node(found[0]).op == op ? found[0] : -1;
  }
};

NodeWeights to_device(const Node& node, const c10::Device& device) {
  NodeWeights weights;
  for (const auto& [key, tensor] : node.weights) weights[key] = to_torch(tensor).to(device);
  if (node.is_bf16()) weights["weight"] = weights["weight"].to(at::kFloat);
  if (node.is_int8()) {
    // The integers are computed with as the real numbers that they stand for.
    const float* scales = node.weights.at("weight_scale").data<float>();
    const Tensor real = dequantize_weight(
        node.weights.at("weight"), {scales, scales + node.weights.at("weight_scale").count()});
    weights["weight"] = to_torch(real).to(device);
    weights.erase("weight_scale");
  }
  return weights;
}

Plan::Plan(const Graph& graph, const c10::Device& device)
    : graph_(graph), integers_(integer_steps(graph)), output_(graph.outputs()[0].node) {
  const Uses uses(graph_);
  std::vector<bool> merged(at_index(graph_.size()));
  for (int i = 1; i < graph_.size(); ++i) {
    if (!uses.needed[at_index(i)] || merged[at_index(i)]) continue;
    guarded([&] { return "layer " + quoted(graph_.node(i).name); },
            [&] {
              const auto found = integers_.find(i);
              if (found != integers_.end()) return add_integers(found->second, device, merged);
              add_step(graph_, device, uses, i, merged);
            });
  }
  find_last_uses(graph_, uses);
}

void Plan::add_integers(const IntegerStep& integers, const c10::Device& device,
                        std::vector<bool>& merged) {
  Step step;
  step.node = &graph_.node(integers.conv);
  step.inputs = reads_of(graph_, integers);
  step.result = integers.result;
  step.integers.emplace_back(graph_, integers, device);
  for (const int node : {integers.sum, integers.activation, integers.rounding}) {
    if (node >= 0) merged[at_index(node)] = true;
  }
  weights_bytes_ += step.integers[0].weight_bytes();
  steps_.push_back(std::move(step));
}

void Plan::add_step(const Graph& graph, const c10::Device& device, const Uses& uses, int index,
                    std::vector<bool>& merged) {
  Step step;
  step.node = &graph.node(index);
  step.inputs = step.node->inputs;
  step.result = index;
  step.weights = to_device(*step.node, device);
  const auto merge = [&](Op op) {
    const int reader = uses.only_reader(graph, step.result, op);
    if (reader < 0) return false;
    merged[at_index(reader)] = true;
    step.result = reader;
    return true;
  };
  const Shape& input = graph.shape(step.inputs[0]);
  if (step.node->op == Op::conv) {
    if (merge(Op::batch_norm)) {
      const Node& norm = graph.node(step.result);
      step.weights = fold_batch_norm(step.weights, to_device(norm, device),
                                     std::get<NormAttributes>(norm.attributes).epsilon);
    }
    const bool relu = merge(Op::relu);
    step.conv.emplace_back(step.node->conv(), step.weights, input, relu);
  } else if (step.node->op == Op::linear && input.size() == 2) {
    // As a convolution over one pixel it doesn't depend on which BLAS libtorch was built with.
    at::Tensor& weight = step.weights.at("weight");
    weight = weight.view({weight.size(0), weight.size(1), 1, 1});
    const bool relu = merge(Op::relu);
    step.conv.emplace_back(ConvAttributes(), step.weights, Shape{1, input[1], 1, 1}, relu);
  } else if (step.node->op == Op::add || step.node->op == Op::batch_norm) {
    step.relu = merge(Op::relu);
  }
  weights_bytes_ += bytes_of(step.weights);
  if (!step.conv.empty()) step.weights.clear();
  steps_.push_back(std::move(step));
}

void Plan::find_last_uses(const Graph& graph, const Uses& uses) {
  // A view shares its input's memory, and the input belongs to the caller.
  std::set<int> shared{0};
  for (int i = 1; i < graph.size(); ++i) {
    if (!uses.needed[at_index(i)] || !gives_view(graph.node(i).op)) continue;
    shared.insert(i);
    shared.insert(graph.node(i).inputs[0]);
  }
  std::set<int> used_later{output_};
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    for (const int input : std::set<int>(step->inputs.begin(), step->inputs.end())) {
      if (used_later.insert(input).second) step->last_uses.push_back(input);
    }
    const bool can_overwrite = step->node->op == Op::relu || step->node->op == Op::add;
    const auto owned = [&](int input) {
      return shared.count(input) == 0 && graph.shape(input) == graph.shape(step->result) &&
             std::count(step->last_uses.begin(), step->last_uses.end(), input) != 0;
    };
    if (!can_overwrite) continue;
    if (step->inputs.size() == 2 && !owned(step->inputs[0])) {
      std::swap(step->inputs[0], step->inputs[1]);
    }
    step->overwrite = owned(step->inputs[0]);
  }
}

at::Tensor Plan::run_step(const Step& step, const std::vector<at::Tensor>& results) {
  std::vector<at::Tensor> inputs;
  for (const int input : step.inputs) inputs.push_back(results[at_index(input)]);
  at::Tensor& x = inputs[0];
  if (!step.integers.empty()) {
    return step.integers[0].run(x, inputs.size() > 1 ? inputs[1] : at::Tensor());
  }
  if (!step.conv.empty()) {
    if (step.node->is_bf16()) x = rounded_to_bf16(x);
    if (step.node->op == Op::conv) return step.conv[0].run(x);
    return step.conv[0].run(x.reshape({x.size(0), x.size(1), 1, 1})).reshape({x.size(0), -1});
  }
  if (is_add_relu(*step.node, step.relu) && x.is_cpu()) {
    return step.overwrite ? at::_add_relu_(x, inputs[1]) : at::_add_relu(x, inputs[1]);
  }
  if (step.overwrite) return step.node->op == Op::relu ? x.relu_() : x.add_(inputs[1]);
  at::Tensor y = apply(*step.node, step.weights, inputs);
  return step.relu ? y.relu_() : y;
}

at::Tensor Plan::run(const at::Tensor& x) const {
  std::vector<at::Tensor> results(at_index(graph_.size()));
  results[0] = x;
  for (const Step& step : steps_) {
    results[at_index(step.result)] = guarded([&] { return "layer " + quoted(step.node->name); },
                                             [&] { return run_step(step, results); });
    for (const int node : step.last_uses) results[at_index(node)] = at::Tensor();
  }
  return results[at_index(output_)];
}

}  // namespace fpcls
