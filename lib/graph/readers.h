#pragma once

#include <vector>

#include "graph/graph.h"

namespace fpcls {

/// Who reads what, among the nodes that the graph's first output needs: what may be merged into one
/// step.
class Readers {
 public:
  explicit Readers(const Graph& graph)
      : output_(graph.outputs()[0].node), readers_(at(graph.size())), needed_(at(graph.size())) {
    needed_[at(output_)] = true;
    for (int i = graph.size() - 1; i >= 0; --i) {
      if (!needed_[at(i)]) continue;
      for (const int input : graph.node(i).inputs) {
        needed_[at(input)] = true;
        readers_[at(input)].push_back(i);
      }
    }
  }

  bool needed(int node) const { return needed_[at(node)]; }
  /// The node that alone reads `node`'s result, or -1. The output is read by the caller too.
  int only_reader(int node) const {
    return node != output_ && readers_[at(node)].size() == 1 ? readers_[at(node)][0] : -1;
  }

 private:
  static size_t at(int index) { return static_cast<size_t>(index); }

  int output_;
  std::vector<std::vector<int>> readers_;
  std::vector<bool> needed_;
};

}  // namespace fpcls
