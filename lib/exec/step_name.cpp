#include "exec/step_name.h"

#include <algorithm>
#include <string_view>

namespace fpcls {

std::vector<int> nodes_between(const Graph& graph, const std::vector<int>& inputs, int result) {
  std::vector<bool> inside(static_cast<size_t>(result) + 1);
  inside[static_cast<size_t>(result)] = result > 0;
  std::vector<int> nodes;
  for (int i = result; i > 0; --i) {
    if (!inside[static_cast<size_t>(i)]) continue;
    nodes.push_back(i);
    for (const int input : graph.node(i).inputs) {
      const bool given = std::find(inputs.begin(), inputs.end(), input) != inputs.end();
      if (!given) inside[static_cast<size_t>(input)] = true;
    }
  }
  std::reverse(nodes.begin(), nodes.end());
  return nodes;
}

StepName step_name(const Graph& graph, const std::vector<int>& inputs, int result) {
  StepName step;
  int main_layers = 0;
  for (const int index : nodes_between(graph, inputs, result)) {
    const Node& node = graph.node(index);
    if (node.op == Op::conv || node.op == Op::linear) {
      ++main_layers;
      step.name = node.name;
    }
    step.op += (step.op.empty() ? "" : "+") + std::string(enum_name(node.op));
    step.macs += mac_count(graph, index);
  }
  if (main_layers != 1) step.name = graph.node(result).name;
  if (step.op.empty()) step.op = enum_name(graph.node(result).op);
  return step;
}

}  // namespace fpcls
