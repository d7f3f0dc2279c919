#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"

/// Quantization as a rewrite of graphs: the integer layers get i8 weights, and what they read is
/// rounded by `quantize` nodes. The rewritten graph still means real numbers, so every executor can
/// run it; one that finds the integers behind them may compute with those.
namespace fpcls {

/// For each node, what its result's numbers are rounded to: those of a `quantize`, and of what only
/// moves or selects from them (max_pool, flatten, reshape, permute, slice, a concat of equals).
std::vector<std::optional<QuantParams>> grids(const Graph& graph);

/// Whether a layer could be quantized: a conv with f32 weights.
bool can_quantize(const Node& node);

struct QuantizePlan {
  /// Whether this conv becomes i8. Asked only where `can_quantize`.
  std::function<bool(const Node&)> wanted;
  /// How the result of `node` (of the given graph) is rounded.
  std::function<QuantParams(int node)> params;
  /// See `choose_weight_scales`: of layers that read what is never negative, and of the others.
  int highest_weight = 127;
  int highest_weight_of_signed = 127;
  /// Whether this conv or linear that stays real gets bf16 weights.
  std::function<bool(const Node&)> in_bf16 = [](const Node&) { return false; };
};

/// The graph with the wanted layers as i8 or bf16. A `quantize` is put after each result that an i8
/// layer reads (before the max_pool, if that lies between) and after the earlier of two results
/// that are added to become one; every reader of the result reads the rounded one. Called
/// NAME.quantize after the result's node. Batch norms must have been folded: one after an i8 layer
/// is an Error, as is a graph that has i8 or bf16 layers already.
Graph quantize_graph(const Graph& graph, const QuantizePlan& plan);

}  // namespace fpcls
