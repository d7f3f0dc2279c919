#include "graph/graph.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/text.h"
#include "graph/bf16.h"

namespace fpcls {
namespace {

void check_edges(const std::vector<Node>& nodes) {
  if (nodes.empty() || nodes[0].op != Op::input) fail("the first node is not the input");
  std::set<std::string> names;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Node& node = nodes[i];
    if (node.name.empty()) fail("node {} ({}) has no name", i, enum_name(node.op));
    if (!names.insert(node.name).second) fail("two layers are called {}", quoted(node.name));
    if (i > 0 && node.op == Op::input) {
      fail("layer {}: is a second input, expected one", quoted(node.name));
    }
    for (const int input : node.inputs) {
      if (input < 0 || static_cast<size_t>(input) >= i) {
        fail("layer {}: reads node {}, expected one of the {} before it", quoted(node.name), input,
             i);
      }
    }
  }
  const Node& input = nodes[0];
  if (!input.inputs.empty() || !input.weights.empty() ||
      !std::holds_alternative<std::monostate>(input.attributes)) {
    fail("layer {}: is the input, expected no inputs, attributes or weights", quoted(input.name));
  }
}

void check_outputs(const std::vector<GraphOutput>& outputs, size_t nodes) {
  if (outputs.empty()) fail("there is no output");
  std::set<std::string> names;
  for (const GraphOutput& output : outputs) {
    if (output.name.empty()) fail("an output has no name");
    if (!names.insert(output.name).second) fail("two outputs are called {}", quoted(output.name));
    if (output.node < 0 || static_cast<size_t>(output.node) >= nodes) {
      fail("output {}: is node {}, expected one of the {}", quoted(output.name), output.node,
           nodes);
    }
  }
}

void check_input_shape(const Shape& shape) {
  const bool picture = shape.size() == 4 && shape[0] == 1;
  if (!picture) fail("input has shape {}, expected [1, C, H, W]", shape_text(shape));
  checked_element_count(shape, "input");
}

std::vector<Shape> infer_shapes(const Shape& input_shape, const std::vector<Node>& nodes) {
  std::vector<Shape> shapes{input_shape};
  for (size_t i = 1; i < nodes.size(); ++i) {
    std::vector<Shape> inputs;
    for (const int input : nodes[i].inputs) inputs.push_back(shapes[static_cast<size_t>(input)]);
    shapes.push_back(infer_shape(nodes[i], inputs));
  }
  return shapes;
}

bool is_finite(const Tensor& tensor) {
  if (tensor.empty()) return true;
  if (tensor.dtype() == DType::bf16) return is_finite(as_f32(tensor));
  if (tensor.dtype() != DType::f32) return true;
  // Without its sign, a float that isn't finite has the largest bit patterns of all: a maximum over
  // integers, which the compiler turns into vector code.
  constexpr uint32_t kInfinity = 0x7f800000;
  const float* values = tensor.data<float>();
  uint32_t largest = 0;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    uint32_t bits = 0;
    std::memcpy(&bits, &values[i], sizeof bits);
    largest = std::max(largest, bits & 0x7fffffff);
  }
  return largest < kInfinity;
}

}  // namespace

Graph::Graph(Shape input_shape, std::vector<Node> nodes, std::vector<GraphOutput> outputs,
             const std::string& where)
    : nodes_(std::move(nodes)), outputs_(std::move(outputs)) {
  try {
    check_input_shape(input_shape);
    check_edges(nodes_);
    check_outputs(outputs_, nodes_.size());
    shapes_ = infer_shapes(input_shape, nodes_);
  } catch (const Error& error) {
    fail("{}: {}", where, error.what());
  }
}

int Graph::find(const std::string& name) const {
  for (int i = 0; i < size(); ++i) {
    if (node(i).name == name) return i;
  }
  return -1;
}

Graph Graph::with_nodes(std::vector<Node> nodes) const {
  return Graph(input_shape(), std::move(nodes), outputs_);
}

bool is_parameter(const Node& node, const std::string& key) {
  const auto* affine = std::get_if<AffineAttributes>(&node.attributes);
  if (affine != nullptr) return affine->learned;
  return key != "running_mean" && key != "running_var" && key != "weight_scale";
}

int64_t parameter_count(const Node& node) {
  int64_t count = 0;
  for (const auto& [key, tensor] : node.weights) {
    if (is_parameter(node, key)) count += tensor.count();
  }
  return count;
}

int64_t parameter_count(const Graph& graph) {
  int64_t count = 0;
  for (const Node& node : graph.nodes()) count += parameter_count(node);
  return count;
}

int64_t mac_count(const Graph& graph, int index) {
  const Node& node = graph.node(index);
  if (node.op == Op::matmul) {
    return element_count(graph.shape(index)) * graph.shape(node.inputs[0]).back();
  }
  if (node.op != Op::conv && node.op != Op::linear) return 0;
  const Shape& weight = node.weights.at("weight").shape();
  return element_count(graph.shape(index)) * (element_count(weight) / weight[0]);
}

int64_t mac_count(const Graph& graph) {
  int64_t count = 0;
  for (int i = 0; i < graph.size(); ++i) count += mac_count(graph, i);
  return count;
}

void check_finite(const Graph& graph, const std::string& where) {
  for (const Node& node : graph.nodes()) {
    for (const auto& [key, tensor] : node.weights) {
      if (!is_finite(tensor)) {
        fail(
            "{}: layer {}: {} has NaN or infinite values; the training diverged or the file is "
            "damaged",
            where, quoted(node.name), key);
      }
    }
  }
}

}  // namespace fpcls
