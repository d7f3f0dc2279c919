#pragma once

#include <string>
#include <vector>

#include "graph/node.h"

/// A network as plain data: what models are imported into, what executors run, and what every
/// compression step takes and returns. A graph never changes; a pass makes a new one.
namespace fpcls {

struct GraphOutput {
  std::string name;
  int node = 0;
};

class Graph {
 public:
  /// Checks everything: node 0 is the only input node; names are unique and not empty; every edge
  /// leads to an earlier node; attributes and weights are those that the op wants, their shapes
  /// agree with the data's; there is at least one output. An Error names the layer and what is
  /// wrong; `where` (a file name, say) is put in front of it.
  ///
  /// `input_shape` is that of one picture, {1, C, H, W}.
  Graph(Shape input_shape, std::vector<Node> nodes, std::vector<GraphOutput> outputs,
        const std::string& where = "graph");

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(int index) const { return nodes_[static_cast<size_t>(index)]; }
  int size() const { return static_cast<int>(nodes_.size()); }
  /// Shape of a node's result for one picture, {1, …}.
  const Shape& shape(int index) const { return shapes_[static_cast<size_t>(index)]; }
  const Shape& input_shape() const { return shapes_[0]; }
  const std::vector<GraphOutput>& outputs() const { return outputs_; }
  /// Number of values that the first output gives for one picture.
  int64_t output_count() const { return element_count(shape(outputs_[0].node)); }
  /// The node called `name`, or -1.
  int find(const std::string& name) const;

  /// The same graph with one node's weights replaced, shapes checked again.
  Graph with_nodes(std::vector<Node> nodes) const;

 private:
  std::vector<Node> nodes_;
  std::vector<Shape> shapes_;
  std::vector<GraphOutput> outputs_;
};

/// Shape of `node`'s result given its inputs' shapes. Throws Error (naming the layer) where op,
/// attributes, weights and inputs don't fit together.
Shape infer_shape(const Node& node, const std::vector<Shape>& inputs);

/// Whether the weight called `key` is one that training moves: not batch norm's running statistics,
/// nor an affine's fixed numbers.
bool is_parameter(const Node& node, const std::string& key);
/// Trainable numbers of a node.
int64_t parameter_count(const Node& node);
int64_t parameter_count(const Graph& graph);
/// Multiply-accumulates of conv, linear and matmul for one picture; 0 for other ops.
int64_t mac_count(const Graph& graph, int node);
int64_t mac_count(const Graph& graph);
/// Throws Error naming the first layer that has a NaN or infinite weight.
void check_finite(const Graph& graph, const std::string& where);

}  // namespace fpcls
