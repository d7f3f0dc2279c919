#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "graph/graph.h"

/// Small graphs with random weights, for tests of what runs and trains graphs.
namespace fpcls {

/// Builds a graph node by node; each call gives the index of the new node.
class GraphMaker {
 public:
  GraphMaker(Shape input_shape, uint64_t seed)
      : input_shape_(std::move(input_shape)), random_(seed) {
    nodes_.push_back({Op::input, "input", {}, {}, {}});
    shapes_.push_back(input_shape_);
  }

  int conv(int input, int64_t outputs, Pair kernel, ConvAttributes attributes = {},
           bool bias = true);
  int linear(int input, int64_t outputs, bool bias = true);
  int batch_norm(int input);
  int add(Op op, std::vector<int> inputs, Attributes attributes = {},
          std::map<std::string, Tensor> weights = {});

  /// Numbers between -1 and 1.
  Tensor random_tensor(const Shape& shape, double low = -1, double high = 1);
  const Shape& shape(int node) const { return shapes_[static_cast<size_t>(node)]; }
  Node& node(int index) { return nodes_[static_cast<size_t>(index)]; }
  Random& random() { return random_; }
  /// With `output`, or the last node, as output.
  Graph graph(int output = -1) const;

 private:
  int push(Node node);

  Shape input_shape_;
  Random random_;
  std::vector<Node> nodes_;
  std::vector<Shape> shapes_;
};

/// A ResNet in miniature: everything that the family has, a shortcut with and without convolution.
Graph small_resnet(int64_t outputs, uint64_t seed, int64_t size = 16);

}  // namespace fpcls
