#include "torch/graph_builder.h"

namespace fpcls {

GraphBuilder::GraphBuilder(const Shape& input_shape) : shapes_{input_shape} {
  nodes_.push_back({Op::input, "input", {}, {}, {}});
  names_.insert("input");
}

int GraphBuilder::add(Node node) {
  std::vector<Shape> inputs;
  for (const int input : node.inputs) inputs.push_back(shape(input));
  node.name = unique_name(node.name);
  shapes_.push_back(infer_shape(node, inputs));
  nodes_.push_back(std::move(node));
  return static_cast<int>(nodes_.size()) - 1;
}

std::string GraphBuilder::unique_name(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 1; !names_.insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
  return name;
}

Graph GraphBuilder::finish(const std::vector<GraphOutput>& outputs,
                           const std::string& where) const {
  std::vector<bool> needed(nodes_.size());
  needed[0] = true;
  for (const GraphOutput& output : outputs) needed[static_cast<size_t>(output.node)] = true;
  for (size_t i = nodes_.size(); i-- > 0;) {
    if (!needed[i]) continue;
    for (const int input : nodes_[i].inputs) needed[static_cast<size_t>(input)] = true;
  }
  std::vector<int> place(nodes_.size(), -1);
  std::vector<Node> kept;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!needed[i]) continue;
    place[i] = static_cast<int>(kept.size());
    kept.push_back(nodes_[i]);
    for (int& input : kept.back().inputs) input = place[static_cast<size_t>(input)];
  }
  std::vector<GraphOutput> moved = outputs;
  for (GraphOutput& output : moved) output.node = place[static_cast<size_t>(output.node)];
  return Graph(shapes_[0], std::move(kept), std::move(moved), where);
}

}  // namespace fpcls
