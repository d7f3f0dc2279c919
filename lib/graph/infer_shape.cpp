#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "graph/graph.h"

namespace fpcls {
namespace {

// Attributes beyond this are nonsense, and sums and products of two of them can't overflow.
constexpr int64_t kMaxAttribute = 1 << 20;

/// One node with the shapes of what it reads, and the ways to complain about them.
class NodeCheck {
 public:
  NodeCheck(const Node& node, const std::vector<Shape>& inputs) : node_(node), inputs_(inputs) {}

  const Node& node() const { return node_; }
  const std::vector<Shape>& inputs() const { return inputs_; }
  const Shape& input() const { return inputs_[0]; }

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("layer {}: {} {}", quoted(node_.name), enum_name(node_.op),
         fmt::format(format, std::forward<Args>(args)...));
  }

  void want_inputs(size_t count) const {
    if (inputs_.size() != count) refuse("reads {} inputs, expected {}", inputs_.size(), count);
  }

  void want_rank(size_t rank) const {
    if (input().size() != rank) {
      refuse("reads {}, expected {} axes", shape_text(input()), rank);
    }
  }

  template <class A>
  const A& want_attributes() const {
    const A* attributes = std::get_if<A>(&node_.attributes);
    if (attributes == nullptr) refuse("has attributes of another op");
    return *attributes;
  }

  /// The weight called `key`: f32, not empty, of `shape`.
  void want_weight(const std::string& key, const Shape& shape) const {
    const Shape& got = want_weight_of_rank(key, shape.size());
    if (got != shape) {
      refuse("has {} of shape {}, expected {}", key, shape_text(got), shape_text(shape));
    }
  }

  const Shape& want_weight_of_rank(const std::string& key, size_t rank) const {
    const auto found = node_.weights.find(key);
    if (found == node_.weights.end() || found->second.empty()) refuse("has no {}", key);
    const Tensor& tensor = found->second;
    if (tensor.dtype() != DType::f32) {
      refuse("has {} of type {}, expected f32", key, enum_name(tensor.dtype()));
    }
    if (tensor.shape().size() != rank) {
      refuse("has {} of shape {}, expected {} axes", key, shape_text(tensor.shape()), rank);
    }
    for (const int64_t extent : tensor.shape()) {
      if (extent < 1) refuse("has {} of shape {}", key, shape_text(tensor.shape()));
    }
    return tensor.shape();
  }

  void want_weight_if_there(const std::string& key, const Shape& shape) const {
    if (node_.weights.count(key) != 0) want_weight(key, shape);
  }

  void want_no_weights_but(const std::set<std::string>& keys) const {
    for (const auto& [key, tensor] : node_.weights) {
      if (keys.count(key) == 0) refuse("has an unexpected weight {}", quoted(key));
    }
  }

  void want_within(const char* what, int64_t value, int64_t min, int64_t max) const {
    if (value < min || value > max) {
      refuse("has {} {}, expected {} to {}", what, value, min, max);
    }
  }

 private:
  const Node& node_;
  const std::vector<Shape>& inputs_;
};

/// One axis of a sliding window.
struct Window {
  int64_t kernel, stride, before, after, dilation;
  bool ceil_mode = false;

  int64_t reach() const { return dilation * (kernel - 1) + 1; }
};

void want_window(const NodeCheck& check, const Window& window) {
  check.want_within("kernel", window.kernel, 1, kMaxAttribute);
  check.want_within("stride", window.stride, 1, kMaxAttribute);
  check.want_within("padding", window.before, 0, kMaxAttribute);
  check.want_within("padding", window.after, 0, kMaxAttribute);
  check.want_within("dilation", window.dilation, 1, kMaxAttribute);
}

/// Number of places of a window along an axis of `extent`.
int64_t window_count(const NodeCheck& check, const Window& window, int64_t extent) {
  want_window(check, window);
  const int64_t room = extent + window.before + window.after - window.reach();
  if (room < 0) {
    check.refuse("has a kernel that reaches over {}, more than its input {} with padding {} and {}",
                 window.reach(), shape_text(check.input()), window.before, window.after);
  }
  int64_t count = room / window.stride + 1;
  if (window.ceil_mode && room % window.stride != 0) {
    // As in PyTorch, a last window that would begin in the padding after the data is left out.
    if (count * window.stride < extent + window.before) ++count;
  }
  return count;
}

Shape conv_shape(const NodeCheck& check) {
  check.want_inputs(1);
  check.want_rank(4);
  check.want_no_weights_but({"weight", "bias"});
  const ConvAttributes& conv = check.want_attributes<ConvAttributes>();
  const Shape weight = check.want_weight_of_rank("weight", 4);
  check.want_weight_if_there("bias", {weight[0]});
  const Shape& input = check.input();
  check.want_within("groups", conv.groups, 1, kMaxAttribute);
  if (weight[0] % conv.groups != 0) {
    check.refuse("has {} output channels in {} groups", weight[0], conv.groups);
  }
  if (input[1] % conv.groups != 0 || input[1] / conv.groups != weight[1]) {
    check.refuse("has weight of shape {} and {} groups, which doesn't suit its input {}",
                 shape_text(weight), conv.groups, shape_text(input));
  }
  const auto& [top, left, bottom, right] = conv.padding;
  const Window vertical{weight[2], conv.stride[0], top, bottom, conv.dilation[0]};
  const Window horizontal{weight[3], conv.stride[1], left, right, conv.dilation[1]};
  return {input[0], weight[0], window_count(check, vertical, input[2]),
          window_count(check, horizontal, input[3])};
}

Shape pool_shape(const NodeCheck& check) {
  check.want_inputs(1);
  check.want_rank(4);
  const PoolAttributes& pool = check.want_attributes<PoolAttributes>();
  const bool average = check.node().op == Op::avg_pool;
  if (average && pool.dilation != Pair{1, 1})
    check.refuse("is dilated, which only max_pool can be");
  if (!average && pool.count_include_pad) check.refuse("counts padding, which only avg_pool does");
  const Shape& input = check.input();
  Shape result = input;
  for (const size_t axis : {0u, 1u}) {
    const Window window{pool.kernel[axis],      pool.stride[axis],   pool.padding[axis],
                        pool.padding[axis + 2], pool.dilation[axis], pool.ceil_mode};
    result[axis + 2] = window_count(check, window, input[axis + 2]);
    // A window of nothing but padding has no maximum and no mean.
    const int64_t padding = std::max(window.before, window.after);
    if (2 * padding > window.kernel) {
      check.refuse("has padding {}, expected at most half of its kernel {}", padding,
                   window.kernel);
    }
  }
  return result;
}

Shape adaptive_pool_shape(const NodeCheck& check) {
  check.want_inputs(1);
  check.want_rank(4);
  const auto& pool = check.want_attributes<AdaptivePoolAttributes>();
  for (const int64_t extent : pool.output)
    check.want_within("output size", extent, 1, kMaxAttribute);
  return {check.input()[0], check.input()[1], pool.output[0], pool.output[1]};
}

Shape linear_shape(const NodeCheck& check) {
  check.want_inputs(1);
  check.want_no_weights_but({"weight", "bias"});
  const Shape weight = check.want_weight_of_rank("weight", 2);
  check.want_weight_if_there("bias", {weight[0]});
  Shape result = check.input();
  if (result.size() < 2) check.refuse("reads {}, expected 2 axes or more", shape_text(result));
  if (result.back() != weight[1]) {
    check.refuse("has weight of shape {}, which doesn't suit its input {}", shape_text(weight),
                 shape_text(result));
  }
  result.back() = weight[0];
  return result;
}

Shape batch_norm_shape(const NodeCheck& check) {
  check.want_inputs(1);
  check.want_no_weights_but({"weight", "bias", "running_mean", "running_var"});
  const auto& norm = check.want_attributes<NormAttributes>();
  if (!(norm.epsilon >= 0 && norm.epsilon <= 1)) {
    check.refuse("has epsilon {}, expected 0 to 1", norm.epsilon);
  }
  if (!(norm.momentum >= 0 && norm.momentum <= 1)) {
    check.refuse("has momentum {}, expected 0 to 1", norm.momentum);
  }
  const Shape& input = check.input();
  if (input.size() < 2) check.refuse("reads {}, expected 2 axes or more", shape_text(input));
  for (const char* key : {"weight", "bias", "running_mean", "running_var"}) {
    check.want_weight(key, {input[1]});
  }
  return input;
}

Shape broadcast_shape(const NodeCheck& check) {
  check.want_inputs(2);
  const Shape& a = check.inputs()[0];
  const Shape& b = check.inputs()[1];
  // With another number of axes a batch would line up with an axis of the other input.
  bool fits = a.size() == b.size() && a[0] == b[0];
  Shape result = a;
  for (size_t i = 1; fits && i < a.size(); ++i) {
    fits = a[i] == b[i] || a[i] == 1 || b[i] == 1;
    result[i] = std::max(a[i], b[i]);
  }
  if (!fits)
    check.refuse("reads {} and {}, which don't fit together", shape_text(a), shape_text(b));
  return result;
}

size_t want_axis(const NodeCheck& check) {
  const int64_t axis = check.want_attributes<AxisAttributes>().axis;
  check.want_within("axis", axis, 1, static_cast<int64_t>(check.input().size()) - 1);
  return static_cast<size_t>(axis);
}

Shape concat_shape(const NodeCheck& check) {
  if (check.inputs().size() < 2) {
    check.refuse("reads {} inputs, expected 2 or more", check.inputs().size());
  }
  const size_t axis = want_axis(check);
  Shape result = check.input();
  for (size_t i = 1; i < check.inputs().size(); ++i) {
    Shape next = check.inputs()[i];
    const bool same_rank = next.size() == result.size();
    const int64_t extent = same_rank ? next[axis] : 0;
    if (same_rank) next[axis] = result[axis];
    if (next != result) {
      check.refuse("reads {} and {}, which don't fit together", shape_text(check.input()),
                   shape_text(check.inputs()[i]));
    }
    result[axis] += extent;
  }
  return result;
}

Shape flatten_shape(const NodeCheck& check) {
  check.want_inputs(1);
  const auto axis = static_cast<std::ptrdiff_t>(want_axis(check));
  const Shape& input = check.input();
  Shape result(input.begin(), input.begin() + axis);
  result.push_back(element_count(Shape(input.begin() + axis, input.end())));
  return result;
}

Shape softmax_shape(const NodeCheck& check) {
  check.want_inputs(1);
  want_axis(check);
  return check.input();
}

Shape elementwise_shape(const NodeCheck& check) {
  check.want_inputs(1);
  return check.input();
}

bool has_attributes(Op op) {
  switch (op) {
    case Op::conv:
    case Op::batch_norm:
    case Op::concat:
    case Op::max_pool:
    case Op::avg_pool:
    case Op::adaptive_avg_pool:
    case Op::flatten:
    case Op::softmax:
      return true;
    default:
      return false;
  }
}

Shape shape_by_op(const NodeCheck& check) {
  switch (check.node().op) {
    case Op::input:
      check.refuse("has no shape of its own");
    case Op::conv:
      return conv_shape(check);
    case Op::linear:
      return linear_shape(check);
    case Op::batch_norm:
      return batch_norm_shape(check);
    case Op::relu:
    case Op::relu6:
    case Op::hardswish:
    case Op::hardsigmoid:
    case Op::sigmoid:
    case Op::silu:
    case Op::gelu:
      return elementwise_shape(check);
    case Op::add:
    case Op::mul:
      return broadcast_shape(check);
    case Op::concat:
      return concat_shape(check);
    case Op::max_pool:
    case Op::avg_pool:
      return pool_shape(check);
    case Op::adaptive_avg_pool:
      return adaptive_pool_shape(check);
    case Op::flatten:
      return flatten_shape(check);
    case Op::softmax:
      return softmax_shape(check);
  }
  check.refuse("is not known");
}

}  // namespace

Shape infer_shape(const Node& node, const std::vector<Shape>& inputs) {
  const NodeCheck check(node, inputs);
  if (!has_attributes(node.op)) check.want_attributes<std::monostate>();
  const bool weighted = node.op == Op::conv || node.op == Op::linear || node.op == Op::batch_norm;
  if (!weighted) check.want_no_weights_but({});
  Shape result = shape_by_op(check);
  checked_element_count(result, fmt::format("layer {}: {}", quoted(node.name), enum_name(node.op)));
  return result;
}

}  // namespace fpcls
