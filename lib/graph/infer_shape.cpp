#include <algorithm>
#include <cmath>

#include "graph/node_check.h"

namespace fpcls {
namespace {

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
  const ConvAttributes& conv = check.want_attributes<ConvAttributes>();
  const Shape weight = check.want_layer_weight(4);
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
  const Shape weight = check.want_layer_weight(2);
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

Shape softmax_shape(const NodeCheck& check) {
  check.want_inputs(1);
  want_axis(check);
  return check.input();
}

Shape elementwise_shape(const NodeCheck& check) {
  check.want_inputs(1);
  return check.input();
}

void want_finite(const NodeCheck& check, const char* what, double value) {
  if (!std::isfinite(value)) check.refuse("has {} {}, expected a finite number", what, value);
}

Shape leaky_relu_shape(const NodeCheck& check) {
  want_finite(check, "slope", check.want_attributes<LeakyAttributes>().slope);
  return elementwise_shape(check);
}

Shape pow_shape(const NodeCheck& check) {
  want_finite(check, "exponent", check.want_attributes<PowerAttributes>().exponent);
  return elementwise_shape(check);
}

Shape affine_shape(const NodeCheck& check) {
  check.want_inputs(1);
  check.want_attributes<AffineAttributes>();
  check.want_no_weights_but({"scale", "shift"});
  if (check.node().weights.empty()) check.refuse("has neither scale nor shift");
  const Shape& input = check.input();
  for (const auto& [key, tensor] : check.node().weights) {
    const Shape& shape = check.want_weight_of_rank(key, input.size());
    for (size_t axis = 0; axis < input.size(); ++axis) {
      const bool fits = shape[axis] == 1 || (axis > 0 && shape[axis] == input[axis]);
      if (fits) continue;
      check.refuse("has {} of shape {}, which doesn't suit its input {}", key, shape_text(shape),
                   shape_text(input));
    }
  }
  return input;
}

Shape quantize_shape(const NodeCheck& check) {
  check.want_inputs(1);
  const QuantParams& params = check.want_attributes<QuantizeAttributes>().params;
  if (!std::isnormal(params.scale) || params.scale < 0) {
    check.refuse("has scale {}, expected a positive number", params.scale);
  }
  check.want_within("lowest", params.lowest, -128, 0);
  check.want_within("highest", params.highest, 1, params.lowest < 0 ? 127 : 255);
  check.want_within("zero_point", params.zero_point, params.lowest, params.highest);
  return check.input();
}

Shape layer_norm_shape(const NodeCheck& check) {
  check.want_inputs(1);
  check.want_no_weights_but({"weight", "bias"});
  const auto& norm = check.want_attributes<LayerNormAttributes>();
  const Shape& input = check.input();
  check.want_within("axis", norm.axis, 1, static_cast<int64_t>(input.size()) - 1);
  if (!(norm.epsilon >= 0 && norm.epsilon <= 1)) {
    check.refuse("has epsilon {}, expected 0 to 1", norm.epsilon);
  }
  const Shape normalised(input.begin() + static_cast<std::ptrdiff_t>(norm.axis), input.end());
  check.want_weight_if_there("weight", normalised);
  check.want_weight_if_there("bias", normalised);
  return input;
}

Shape matmul_shape(const NodeCheck& check) {
  check.want_inputs(2);
  Shape a = check.inputs()[0], b = check.inputs()[1];
  const size_t rank = a.size();
  bool fits = rank >= 3 && b.size() == rank && a[rank - 1] == b[rank - 2];
  for (size_t axis = 0; fits && axis + 2 < rank; ++axis) fits = a[axis] == b[axis];
  if (!fits) {
    check.refuse("reads {} and {}, expected [N, …, M, K] and [N, …, K, P]", shape_text(a),
                 shape_text(b));
  }
  a[rank - 1] = b[rank - 1];
  return a;
}

bool has_attributes(Op op) {
  switch (op) {
    case Op::input:
    case Op::linear:
    case Op::relu:
    case Op::relu6:
    case Op::hardswish:
    case Op::hardsigmoid:
    case Op::sigmoid:
    case Op::silu:
    case Op::gelu:
    case Op::tanh:
    case Op::add:
    case Op::mul:
    case Op::matmul:
      return false;
    default:
      return true;
  }
}

bool has_weights(Op op) {
  switch (op) {
    case Op::conv:
    case Op::linear:
    case Op::batch_norm:
    case Op::affine:
    case Op::layer_norm:
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
    case Op::tanh:
      return elementwise_shape(check);
    case Op::leaky_relu:
      return leaky_relu_shape(check);
    case Op::pow:
      return pow_shape(check);
    case Op::affine:
      return affine_shape(check);
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
    case Op::layer_norm:
      return layer_norm_shape(check);
    case Op::matmul:
      return matmul_shape(check);
    case Op::reshape:
      return reshape_shape(check);
    case Op::permute:
      return permute_shape(check);
    case Op::slice:
      return slice_shape(check);
    case Op::pad:
      return pad_shape(check);
    case Op::quantize:
      return quantize_shape(check);
  }
  check.refuse("is not known");
}

}  // namespace

Shape infer_shape(const Node& node, const std::vector<Shape>& inputs) {
  const NodeCheck check(node, inputs);
  if (!has_attributes(node.op)) check.want_attributes<std::monostate>();
  if (!has_weights(node.op)) check.want_no_weights_but({});
  Shape result = shape_by_op(check);
  checked_element_count(result, fmt::format("layer {}: {}", quoted(node.name), enum_name(node.op)));
  return result;
}

}  // namespace fpcls
