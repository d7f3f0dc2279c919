#include <algorithm>
#include <numeric>

#include "torch/script_call.h"

// How tensors of a program, whose first axis may be anything, lie in a graph, whose first axis is
// the batch: see Symbol.
namespace fpcls {
namespace {

// Repeating is done by joining copies.
constexpr int64_t kMaxCopies = 256;

bool is_lifted(const Shape& shape) { return Symbol{0, shape}.lifted(); }

Shape with_front(Shape shape, size_t ones) {
  shape.insert(shape.begin(), ones, 1);
  return shape;
}

/// Moves the axes that attributes name by one.
struct LiftAttributes {
  template <class A>
  void operator()(A&) const {}
  void operator()(AxisAttributes& attributes) const { ++attributes.axis; }
  void operator()(LayerNormAttributes& attributes) const { ++attributes.axis; }
  void operator()(SliceAttributes& attributes) const { ++attributes.axis; }
  void operator()(PermuteAttributes& attributes) const {
    for (int64_t& axis : attributes.axes) ++axis;
    attributes.axes.insert(attributes.axes.begin(), 0);
  }
  void operator()(PadAttributes& attributes) const {
    attributes.before.insert(attributes.before.begin(), 0);
    attributes.after.insert(attributes.after.begin(), 0);
  }
};

/// The axis from which on `from` must be joined to give `to`, or 0.
int64_t joined_axis(const Shape& from, const Shape& to) {
  if (to.size() < 2 || to.size() >= from.size()) return 0;
  const auto last = static_cast<std::ptrdiff_t>(to.size()) - 1;
  return std::equal(to.begin(), to.begin() + last, from.begin()) ? last : 0;
}

}  // namespace

ScriptValue as_view(ScriptValue view, const ScriptValue& of) {
  view.symbol->writes = of.symbol->writes;
  view.symbol->seen_writes = of.symbol->seen_writes;
  return view;
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  Shape result = a.size() >= b.size() ? a : b;
  const Shape& other = a.size() >= b.size() ? b : a;
  const size_t front = result.size() - other.size();
  for (size_t i = 0; i < other.size(); ++i) {
    int64_t& extent = result[front + i];
    if (extent != other[i] && extent != 1 && other[i] != 1) return std::nullopt;
    extent = extent == 1 ? other[i] : extent;
  }
  return result;
}

int ScriptCall::repeated_node(int node, const Shape& shape) const {
  for (size_t axis = 1; axis < shape.size(); ++axis) {
    const int64_t extent = builder.shape(node)[axis];
    if (extent == shape[axis]) continue;
    if (extent != 1 || shape[axis] > kMaxCopies) {
      refuse("can't repeat {} to {}", shape_text(builder.shape(node)), shape_text(shape));
    }
    const std::vector<int> copies(static_cast<size_t>(shape[axis]), node);
    node = add_node(Op::concat, copies, AxisAttributes{static_cast<int64_t>(axis)});
  }
  return node;
}

int ScriptCall::reshaped_node(int node, const Shape& shape) const {
  const auto only_reshapes = [&](int at) {
    const Op op = builder.node(at).op;
    return op == Op::reshape || op == Op::flatten;
  };
  if (builder.shape(node) == shape) return node;
  while (only_reshapes(node)) node = builder.node(node).inputs[0];
  if (builder.shape(node) == shape) return node;
  const int64_t axis = joined_axis(builder.shape(node), shape);
  if (axis > 0) return add_node(Op::flatten, {node}, AxisAttributes{axis});
  return add_node(Op::reshape, {node}, ReshapeAttributes{Shape(shape.begin() + 1, shape.end())});
}

int ScriptCall::whole_node(const ScriptValue& x, bool lifted) const {
  const Symbol& symbol = *x.symbol;
  const int node = repeated_node(symbol.node, with_front(symbol.shape, symbol.lifted() ? 1 : 0));
  return lifted && !symbol.lifted() ? reshaped_node(node, with_front(symbol.shape, 1)) : node;
}

int ScriptCall::aligned_node(const ScriptValue& x, size_t rank, bool lifted) const {
  Shape shape = builder.shape(x.symbol->node);
  if (x.symbol->lifted()) shape.erase(shape.begin());
  shape = with_front(std::move(shape), rank - shape.size());
  return reshaped_node(x.symbol->node, lifted ? with_front(shape, 1) : shape);
}

ScriptValue ScriptCall::seen(int node, Shape shape, bool lifted) const {
  const bool stays_lifted = is_lifted(shape);
  if (lifted && !stays_lifted) node = reshaped_node(node, shape);
  FPCLS_CHECK(lifted || !stays_lifted);
  return symbol_value(node, std::move(shape));
}

ScriptValue ScriptCall::emit(Op op, const std::vector<ScriptValue>& from, Attributes attributes,
                             std::map<std::string, Tensor> weights,
                             const std::string& weight_path) const {
  bool lifted = false;
  for (const ScriptValue& value : from) {
    if (!value.symbol) refuse("an input doesn't depend on the picture");
    lifted = lifted || value.symbol->lifted();
  }
  std::vector<int> inputs;
  for (const ScriptValue& value : from) inputs.push_back(whole_node(value, lifted));
  if (lifted) std::visit(LiftAttributes(), attributes);
  const int node =
      add_node(op, std::move(inputs), std::move(attributes), std::move(weights), weight_path);
  Shape shape = builder.shape(node);
  if (lifted) shape.erase(shape.begin());
  return seen(node, std::move(shape), lifted);
}

ScriptValue ScriptCall::reshaped(const ScriptValue& x, const Shape& to) const {
  if (to == x.symbol->shape) return as_view(symbol_value(x.symbol->node, to), x);
  const int node = reshaped_node(whole_node(x, false), with_front(to, is_lifted(to) ? 1 : 0));
  return as_view(symbol_value(node, to), x);
}

ScriptValue ScriptCall::permuted(const ScriptValue& x, const std::vector<int64_t>& axes) const {
  if (std::is_sorted(axes.begin(), axes.end())) return reshaped(x, x.symbol->shape);
  const bool lifted = x.symbol->lifted() || axes[0] != 0;
  PermuteAttributes attributes{axes};
  if (lifted) LiftAttributes()(attributes);
  const int node = add_node(Op::permute, {whole_node(x, lifted)}, attributes);
  Shape shape = builder.shape(node);
  if (lifted) shape.erase(shape.begin());
  return as_view(seen(node, std::move(shape), lifted), x);
}

ScriptValue ScriptCall::sliced(const ScriptValue& x, SliceAttributes part) const {
  const int64_t extent = x.symbol->shape[static_cast<size_t>(part.axis)];
  if (part.begin >= part.end) refuse("leaves nothing of {}", shape_text(x.symbol->shape));
  const int64_t left = (part.end - part.begin + part.step - 1) / part.step;
  if (left == extent) return reshaped(x, x.symbol->shape);
  return as_view(emit(Op::slice, {x}, part), x);
}

ScriptValue ScriptCall::expanded(const ScriptValue& x, const Shape& to) const {
  if (broadcast(x.symbol->shape, to) != to) {
    refuse("{} can't be expanded to {}", shape_text(x.symbol->shape), shape_text(to));
  }
  return as_view(symbol_value(aligned_node(x, to.size(), is_lifted(to)), to), x);
}

}  // namespace fpcls
