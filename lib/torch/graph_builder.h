#pragma once

#include <set>
#include <string>
#include <vector>

#include "graph/graph.h"

/// A graph that grows node by node, with names made unique and what nothing reads left out.
namespace fpcls {

class GraphBuilder {
 public:
  explicit GraphBuilder(const Shape& input_shape);

  /// Adds a node whose name is `node.name`, or that with `_1`, `_2` … where it is taken. Returns
  /// its index. Throws Error where op and inputs don't fit together.
  int add(Node node);

  const Node& node(int index) const { return nodes_[static_cast<size_t>(index)]; }
  /// Shape of a node's result, {1, …}.
  const Shape& shape(int node) const { return shapes_[static_cast<size_t>(node)]; }

  /// The graph of what the outputs need.
  Graph finish(const std::vector<GraphOutput>& outputs, const std::string& where) const;

 private:
  std::string unique_name(const std::string& wanted);

  std::vector<Node> nodes_;
  std::vector<Shape> shapes_;
  std::set<std::string> names_;
};

}  // namespace fpcls
