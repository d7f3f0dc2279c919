#include "graph/integer_step.h"

#include <optional>
#include <vector>

#include "graph/quantize.h"
#include "graph/readers.h"

namespace fpcls {
namespace {

size_t at(int index) { return static_cast<size_t>(index); }

using Grids = std::vector<std::optional<QuantParams>>;

IntegerStep with_sum(const Graph& graph, const Readers& readers, const Grids& grid, int conv) {
  IntegerStep step{conv, conv};
  const int sum = readers.only_reader(conv);
  if (sum < 0 || graph.node(sum).op != Op::add) return step;
  const std::vector<int>& inputs = graph.node(sum).inputs;
  const int other = inputs[0] == conv ? inputs[1] : inputs[0];
  if (other >= conv || graph.shape(other) != graph.shape(conv) || !grid[at(other)]) return step;
  step.sum = step.result = sum;
  step.other = other;
  return step;
}

IntegerStep to_the_end(const Graph& graph, const Readers& readers, IntegerStep step) {
  int reader = readers.only_reader(step.result);
  if (reader >= 0 && is_activation(graph.node(reader).op)) {
    step.activation = step.result = reader;
    reader = readers.only_reader(step.result);
  }
  if (reader >= 0 && graph.node(reader).op == Op::quantize) step.rounding = step.result = reader;
  return step;
}

}  // namespace

bool is_activation(Op op) {
  switch (op) {
    case Op::relu:
    case Op::leaky_relu:
    case Op::relu6:
    case Op::hardswish:
    case Op::hardsigmoid:
    case Op::sigmoid:
    case Op::tanh:
    case Op::silu:
    case Op::gelu:
    case Op::pow:
      return true;
    default:
      return false;
  }
}

std::map<int, IntegerStep> integer_steps(const Graph& graph) {
  const Readers readers(graph);
  const Grids grid = grids(graph);
  std::map<int, IntegerStep> steps;
  for (int i = 1; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (node.op != Op::conv || !node.is_int8() || !readers.needed(i)) continue;
    if (!grid[at(node.inputs[0])]) continue;
    IntegerStep step = to_the_end(graph, readers, with_sum(graph, readers, grid, i));
    if (step.sum >= 0 && step.rounding < 0) step = to_the_end(graph, readers, {i, i});
    steps[i] = step;
  }
  return steps;
}

std::vector<int> reads_of(const Graph& graph, const IntegerStep& step) {
  std::vector<int> nodes = graph.node(step.conv).inputs;
  if (step.other >= 0) nodes.push_back(step.other);
  return nodes;
}

StepScales scales_of(const Graph& graph, const IntegerStep& step) {
  const Grids grid = grids(graph);
  StepScales scales;
  scales.input = grid[at(graph.node(step.conv).inputs[0])]->scale;
  if (step.rounding >= 0) {
    const Op op = step.activation >= 0 ? graph.node(step.activation).op : Op::relu;
    const bool commutes = op == Op::relu || op == Op::leaky_relu;
    (commutes ? scales.early : scales.late) = 1.0F / grid[at(step.rounding)]->scale;
  }
  if (step.other >= 0) scales.other = grid[at(step.other)]->scale;
  return scales;
}

}  // namespace fpcls
