#include <algorithm>
#include <numeric>

#include "torch/script_translators.h"

namespace fpcls {
namespace {

/// The axes that a reduction names; all of them where it names none.
std::vector<int64_t> reduced_axes(const ScriptCall& call, size_t rank) {
  const ScriptValue& dim = call.argument("dim");
  const bool all = dim.is_none() || (dim.items && dim.items->empty());
  if (!all) return call.axes("dim", rank);
  std::vector<int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

bool keeps_axes(const ScriptCall& call) {
  return !call.argument("keepdim").is_none() && call.flag("keepdim");
}

void want_plain_type(const ScriptCall& call) {
  if (!call.argument("dtype").is_none() &&
      call.integer("dtype") != static_cast<int64_t>(at::kFloat)) {
    call.refuse("only 32-bit floating point is supported");
  }
}

ScriptValue mean_or_max(const ScriptCall& call, Op op) {
  want_plain_type(call);
  const ScriptValue& x = call.symbol("self");
  return reduced(call, x, reduced_axes(call, x.symbol->shape.size()), keeps_axes(call), op);
}

ScriptValue mean(const ScriptCall& call) { return mean_or_max(call, Op::avg_pool); }
ScriptValue amax(const ScriptCall& call) { return mean_or_max(call, Op::max_pool); }

ScriptValue sum_of(const ScriptCall& call, const ScriptValue& x) {
  const std::vector<int64_t> axes = reduced_axes(call, x.symbol->shape.size());
  int64_t count = 1;
  for (const int64_t axis : axes) count *= x.symbol->shape[static_cast<size_t>(axis)];
  return scaled(call, reduced(call, x, axes, keeps_axes(call), Op::avg_pool),
                static_cast<double>(count));
}

ScriptValue sum(const ScriptCall& call) {
  want_plain_type(call);
  return sum_of(call, call.symbol("self"));
}

/// The square root of the sum of squares.
ScriptValue norm(const ScriptCall& call) {
  want_plain_type(call);
  const char* order = call.op_name() == "aten::norm" ? "p" : "ord";
  if (call.number(order) != 2)
    call.refuse("{} is {}, only 2 is supported", order, call.number(order));
  const ScriptValue squares = call.emit(Op::pow, {call.symbol("self")}, PowerAttributes{2});
  return call.emit(Op::pow, {sum_of(call, squares)}, PowerAttributes{0.5});
}

ScriptValue adaptive_avg_pool1d(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  if (call.integers("output_size") != Shape{1} || x.symbol->shape.size() < 2) {
    call.refuse("only a mean over the whole axis is supported");
  }
  return reduced(call, x, {static_cast<int64_t>(x.symbol->shape.size()) - 1}, true, Op::avg_pool);
}

}  // namespace

ScriptValue reduced(const ScriptCall& call, const ScriptValue& x, const std::vector<int64_t>& axes,
                    bool keep, Op op) {
  const Shape& shape = x.symbol->shape;
  Shape result;
  std::vector<int64_t> order;
  int64_t count = 1;
  const auto is_reduced = [&](size_t axis) {
    return std::count(axes.begin(), axes.end(), static_cast<int64_t>(axis)) != 0;
  };
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (is_reduced(axis)) count *= shape[axis];
    if (!is_reduced(axis)) order.push_back(static_cast<int64_t>(axis));
    if (keep || !is_reduced(axis)) result.push_back(is_reduced(axis) ? 1 : shape[axis]);
  }
  if (!x.symbol->lifted() && is_reduced(0)) {
    call.refuse("of {} over axes {}: the first is the batch, which isn't mixed", shape_text(shape),
                shape_text(axes));
  }
  if (result.empty()) call.refuse("gives a single number");
  const bool over_picture = shape.size() == 4 && !x.symbol->lifted() && axes == Shape{2, 3};
  ScriptValue rows = x;
  if (!over_picture) {
    order.insert(order.end(), axes.begin(), axes.end());
    rows = call.reshaped(call.permuted(x, order), {1, element_count(shape) / count, count, 1});
  }
  const Shape& window = rows.symbol->shape;
  const Attributes attributes =
      op == Op::avg_pool
          ? Attributes(AdaptivePoolAttributes{{1, 1}})
          : Attributes(PoolAttributes{{window[2], window[3]}, {window[2], window[3]}});
  const Op pool = op == Op::avg_pool ? Op::adaptive_avg_pool : Op::max_pool;
  return call.reshaped(call.emit(pool, {rows}, attributes), result);
}

Translators reduction_translators() {
  return {{"aten::mean", mean},
          {"aten::sum", sum},
          {"aten::amax", amax},
          {"aten::norm", norm},
          {"aten::linalg_vector_norm", norm},
          {"aten::adaptive_avg_pool1d", adaptive_avg_pool1d}};
}

}  // namespace fpcls
