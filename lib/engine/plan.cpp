#include "engine/plan.h"

#include <set>

#include "base/text.h"
#include "engine/planner.h"
#include "graph/quantize.h"

namespace fpcls {

Plan make_plan(const PlanSource& source, const std::vector<FusedStep>& steps,
               const std::vector<PlanInput>& inputs, int64_t batch) {
  return Planner(source, steps, inputs, batch).make();
}

std::string engine_refusal(const Graph& graph) {
  static const std::set<Op> known{
      Op::input,      Op::conv,    Op::linear,   Op::batch_norm, Op::add,
      Op::mul,        Op::concat,  Op::max_pool, Op::avg_pool,   Op::adaptive_avg_pool,
      Op::flatten,    Op::softmax, Op::affine,   Op::matmul,     Op::reshape,
      Op::layer_norm, Op::permute, Op::slice,    Op::pad,        Op::quantize};
  const auto rounded = grids(graph);
  for (const Node& node : graph.nodes()) {
    const std::string layer = "layer " + quoted(node.name);
    if (known.count(node.op) == 0 && eltwise_of(node).empty()) {
      return fmt::format("{}: the engine has no op {}", layer, enum_name(node.op));
    }
    if (node.op == Op::linear && node.is_int8()) return layer + ": the engine has no i8 linear";
    if (node.op == Op::conv && node.is_int8() && !rounded[static_cast<size_t>(node.inputs[0])]) {
      return layer + ": is i8 but reads numbers that aren't rounded";
    }
    const auto* rounding = std::get_if<QuantizeAttributes>(&node.attributes);
    if (rounding == nullptr) continue;
    const QuantParams& params = rounding->params;
    if (params.zero_point != 0) return layer + ": the engine has no zero points";
    const bool all_8_bits = params.highest - params.lowest == 255;
    if (!all_8_bits && params.lowest != 0) {
      return layer + ": the engine has no negative integers of fewer than 8 bits";
    }
  }
  return "";
}

}  // namespace fpcls
