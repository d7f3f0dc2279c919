#include "graph/attention.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {
namespace {

/// For each node whether every way from the input to the first output leads through it: no edge
/// passes it by.
std::vector<bool> waists(const Graph& graph) {
  std::vector<bool> is_waist(static_cast<size_t>(graph.size()));
  std::vector<int> last_reader(static_cast<size_t>(graph.size()), -1);
  for (int i = 0; i < graph.size(); ++i) {
    for (const int input : graph.node(i).inputs) last_reader[static_cast<size_t>(input)] = i;
  }
  int furthest = 0;  // that an edge from an earlier node leads to
  for (int i = 0; i < graph.size(); ++i) {
    is_waist[static_cast<size_t>(i)] = furthest <= i && i <= graph.outputs()[0].node;
    furthest = std::max(furthest, last_reader[static_cast<size_t>(i)]);
  }
  return is_waist;
}

/// Height and width of the result; none where it is no map of several places.
std::pair<int64_t, int64_t> places_of(const Graph& graph, int node) {
  const Shape& shape = graph.shape(node);
  if (shape.size() != 4 || shape[2] * shape[3] < 2) return {0, 0};
  return {shape[2], shape[3]};
}

int find_map(const Graph& graph, const std::string& layer) {
  const int node = graph.find(layer);
  if (node < 0) fail("attention: the network has no layer {}", quoted(layer));
  if (graph.shape(node).size() != 4) {
    fail("attention: the result of layer {} is {}, expected [1, channels, height, width]",
         quoted(layer), shape_text(graph.shape(node)));
  }
  return node;
}

/// A name that no node has yet.
std::string fresh_name(const Graph& graph, const std::string& wanted) {
  std::string name = wanted;
  while (graph.find(name) >= 0) name += '_';
  return name;
}

}  // namespace

std::vector<std::string> shared_attention_layers(const Graph& student, const Graph& teacher) {
  const std::vector<bool> of_student = waists(student), of_teacher = waists(teacher);
  std::map<std::pair<int64_t, int64_t>, int> last;
  for (int i = 1; i < student.size(); ++i) {
    const auto places = places_of(student, i);
    const int same = teacher.find(student.node(i).name);
    if (places.first == 0 || same < 1 || places_of(teacher, same) != places) continue;
    if (of_student[static_cast<size_t>(i)] && of_teacher[static_cast<size_t>(same)]) {
      last[places] = i;
    }
  }
  std::vector<int> nodes;
  for (const auto& [places, node] : last) nodes.push_back(node);
  std::sort(nodes.begin(), nodes.end());
  std::vector<std::string> names;
  for (const int node : nodes) names.push_back(student.node(node).name);
  return names;
}

int64_t attention_size(const Graph& graph, const std::vector<std::string>& layers) {
  int64_t size = 0;
  for (const std::string& layer : layers) {
    const Shape& shape = graph.shape(find_map(graph, layer));
    size += shape[2] * shape[3];
  }
  return size;
}

Graph with_attention(const Graph& graph, const std::vector<std::string>& layers) {
  std::vector<Node> nodes = graph.nodes();
  const auto add = [&](Node node, const std::string& name) {
    node.name = fresh_name(graph, name);
    nodes.push_back(std::move(node));
    return static_cast<int>(nodes.size()) - 1;
  };
  std::vector<int> parts{graph.outputs()[0].node};
  for (const std::string& layer : layers) {
    const int map = find_map(graph, layer);
    const int64_t channels = graph.shape(map)[1];
    const int squares = add({Op::mul, "", {map, map}, {}, {}}, layer + ".squares");
    Node mean{Op::conv, "", {squares}, ConvAttributes{}, {}};
    mean.weights["weight"] = Tensor::from<float>(
        {1, channels, 1, 1},
        std::vector<float>(static_cast<size_t>(channels), 1 / static_cast<float>(channels)));
    const int means = add(std::move(mean), layer + ".attention");
    parts.push_back(
        add({Op::flatten, "", {means}, AxisAttributes{1}, {}}, layer + ".attention.flat"));
  }
  if (parts.size() == 1) return Graph(graph.input_shape(), std::move(nodes), {graph.outputs()[0]});
  const int all = add({Op::concat, "", parts, AxisAttributes{1}, {}}, "outputs_and_attention");
  return Graph(graph.input_shape(), std::move(nodes), {{graph.outputs()[0].name, all}});
}

}  // namespace fpcls
