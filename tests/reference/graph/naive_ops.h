#pragma once

#include <vector>

#include "graph/graph.h"

/// Graphs computed the slow, obvious way, in double and with nothing but loops.
namespace fpcls::naive {

struct Array {
  Shape shape;
  std::vector<double> values;

  double at(int64_t n, int64_t c, int64_t h, int64_t w) const {
    return values[static_cast<size_t>(((n * shape[1] + c) * shape[2] + h) * shape[3] + w)];
  }
};

Array from_tensor(const Tensor& tensor);

/// One node's result from those of its inputs. `shape` is the result's for one picture.
Array apply(const Node& node, const std::vector<Array>& inputs, Shape shape);

/// The result of every node of `graph` for `x`, f32 {N, C, H, W}.
std::vector<Array> run(const Graph& graph, const Tensor& x);

}  // namespace fpcls::naive
