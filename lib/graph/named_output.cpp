#include "graph/named_output.h"

#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {
namespace {

int find_layer(const Graph& graph, const std::string& name) {
  const int index = graph.find(name);
  if (index > 0) return index;
  if (index == 0) fail("output {}: is the input, expected a layer", quoted(name));
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.push_back(node.name);
  const std::string close = closest_name(name, names);
  fail("output {}: there is no such layer{}; 'fpcls inspect' lists them", quoted(name),
       close.empty() ? "" : ", did you mean " + quoted(close));
}

}  // namespace

Graph with_output(const Graph& graph, const std::string& name) {
  if (name.empty()) return graph;
  const int output = find_layer(graph, name);
  std::vector<bool> needed(static_cast<size_t>(graph.size()));
  needed[0] = needed[static_cast<size_t>(output)] = true;
  for (int i = output; i > 0; --i) {
    if (!needed[static_cast<size_t>(i)]) continue;
    for (const int input : graph.node(i).inputs) needed[static_cast<size_t>(input)] = true;
  }
  std::vector<int> moved(static_cast<size_t>(graph.size()), -1);
  std::vector<Node> nodes;
  for (int i = 0; i <= output; ++i) {
    if (!needed[static_cast<size_t>(i)]) continue;
    moved[static_cast<size_t>(i)] = static_cast<int>(nodes.size());
    nodes.push_back(graph.node(i));
    for (int& input : nodes.back().inputs) input = moved[static_cast<size_t>(input)];
  }
  const int last = static_cast<int>(nodes.size()) - 1;
  return Graph(graph.input_shape(), std::move(nodes), {{name, last}});
}

}  // namespace fpcls
