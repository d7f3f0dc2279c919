#include "torch/script_translators.h"

#include <limits>

namespace fpcls {
namespace {

// --- Convolutions and pools, which take a border of the right number into their own padding

/// The border that a `pad` node puts around height and width, where its number is `value`.
std::optional<Padding> border(const Node& node, double value) {
  if (node.op != Op::pad) return std::nullopt;
  const auto& [before, after, number] = std::get<PadAttributes>(node.attributes);
  if (before.size() != 4 || before[1] != 0 || after[1] != 0 || number != value) return std::nullopt;
  return Padding{before[2], before[3], after[2], after[3]};
}

Padding sum(const Padding& a, const Padding& b) {
  return {a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]};
}

/// The padding of a convolution, which may be given by name.
Padding conv_padding(const ScriptCall& call, const Shape& weight, const Pair& dilation) {
  const ScriptValue& given = call.argument("padding");
  if (!given.known.isString()) {
    const Pair pair = call.pair("padding");
    return {pair[0], pair[1], pair[0], pair[1]};
  }
  const std::string& name = given.known.toStringRef();
  if (name == "valid") return {0, 0, 0, 0};
  if (name != "same") call.refuse("padding is {}, expected same or valid", quoted(name));
  const int64_t vertical = dilation[0] * (weight[2] - 1);
  const int64_t horizontal = dilation[1] * (weight[3] - 1);
  return {vertical / 2, horizontal / 2, vertical - vertical / 2, horizontal - horizontal / 2};
}

ScriptValue conv_node(const ScriptCall& call, const ScriptValue& x, const at::Tensor& weight,
                      ConvAttributes attributes) {
  int input = x.symbol->node;
  if (const auto found = border(call.builder.node(input), 0)) {
    attributes.padding = sum(attributes.padding, *found);
    input = call.builder.node(input).inputs[0];
  }
  Weights weights;
  add_weight(weights, "weight", weight);
  add_weight(weights, "bias", call.weight("bias"));
  const int node = call.add_node(Op::conv, {input}, attributes, std::move(weights),
                                 call.argument("weight").path);
  return symbol_value(node, call.builder.shape(node));
}

void want_forward(const ScriptCall& call) {
  const ScriptValue& transposed = call.argument("transposed");
  if (transposed.known.isBool() && transposed.known.toBool()) {
    call.refuse("transposed convolutions aren't supported");
  }
}

/// A convolution along one axis, as one over pictures of height 1.
ScriptValue conv1d(const ScriptCall& call, const at::Tensor& weight) {
  const ScriptValue& x = call.symbol("input");
  Shape shape = x.symbol->shape;
  if (shape.size() != 3 || shape[0] != 1) call.refuse("the input is {}", shape_text(shape));
  if (call.argument("padding").known.isString()) call.refuse("padding by name isn't supported");
  const auto one = [&](const char* name) {
    const std::vector<int64_t> values = call.integers(name);
    if (values.size() != 1) call.refuse("{} has {} values, expected 1", name, values.size());
    return values[0];
  };
  ConvAttributes attributes;
  attributes.stride = {1, one("stride")};
  attributes.dilation = {1, one("dilation")};
  attributes.padding = {0, one("padding"), 0, one("padding")};
  attributes.groups = call.integer("groups");
  const ScriptValue flat = call.reshaped(x, {1, shape[1], 1, shape[2]});
  const ScriptValue y = conv_node(call, flat, weight.unsqueeze(2), attributes);
  const Shape& made = y.symbol->shape;
  return call.reshaped(y, {1, made[1], made[3]});
}

ScriptValue conv(const ScriptCall& call) {
  want_forward(call);
  const at::Tensor weight = call.weight("weight");
  if (weight.defined() && weight.dim() == 3) return conv1d(call, weight);
  if (!weight.defined() || weight.dim() != 4) call.refuse("the weight doesn't have 4 axes");
  ConvAttributes attributes;
  attributes.stride = call.pair("stride");
  attributes.dilation = call.pair("dilation");
  attributes.padding = conv_padding(call, weight.sizes().vec(), attributes.dilation);
  attributes.groups = call.integer("groups");
  return conv_node(call, call.picture("input"), weight, attributes);
}

PoolAttributes pool_attributes(const ScriptCall& call) {
  PoolAttributes pool;
  pool.kernel = call.pair("kernel_size");
  pool.stride = call.integers("stride").empty() ? pool.kernel : call.pair("stride");
  const Pair padding = call.pair("padding");
  pool.padding = {padding[0], padding[1], padding[0], padding[1]};
  pool.ceil_mode = call.flag("ceil_mode");
  return pool;
}

/// Whether no number of the node's result is below 0.
bool is_positive(const Node& node) {
  return node.op == Op::relu || node.op == Op::relu6 || node.op == Op::sigmoid;
}

/// `pool` with the border that its input was given, where that changes nothing: the number is below
/// all others or, for a mean, 0 and counted.
ScriptValue pool_node(const ScriptCall& call, Op op, const PoolAttributes& pool) {
  const ScriptValue& x = call.picture("self");
  const Node& before = call.builder.node(x.symbol->node);
  const bool unpadded = pool.padding == Padding{0, 0, 0, 0};
  std::optional<Padding> found;
  if (op == Op::max_pool) {
    found = border(before, std::numeric_limits<float>::lowest());
    const bool zeros = border(before, 0) && is_positive(call.builder.node(before.inputs[0]));
    if (zeros) found = border(before, 0);
  } else if (unpadded || pool.count_include_pad) {
    found = border(before, 0);
  }
  PoolAttributes merged = pool;
  bool fits = found && !pool.ceil_mode;
  for (size_t side = 0; fits && side < 4; ++side) {
    merged.padding[side] += (*found)[side];
    fits = 2 * merged.padding[side] <= pool.kernel[side % 2];
  }
  if (!fits) return call.emit(op, {x}, pool);
  merged.count_include_pad = op == Op::avg_pool;
  const int node = call.add_node(op, {before.inputs[0]}, merged);
  return symbol_value(node, call.builder.shape(node));
}

ScriptValue max_pool(const ScriptCall& call) {
  PoolAttributes pool = pool_attributes(call);
  pool.dilation = call.pair("dilation");
  return pool_node(call, Op::max_pool, pool);
}

ScriptValue avg_pool(const ScriptCall& call) {
  PoolAttributes pool = pool_attributes(call);
  pool.count_include_pad = call.flag("count_include_pad");
  if (!call.argument("divisor_override").is_none()) {
    call.refuse("divisor_override isn't supported");
  }
  return pool_node(call, Op::avg_pool, pool);
}

ScriptValue adaptive_avg_pool(const ScriptCall& call) {
  return call.emit(Op::adaptive_avg_pool, {call.picture("self")},
                   AdaptivePoolAttributes{call.pair("output_size")});
}

// --- Norms

ScriptValue batch_norm(const ScriptCall& call) {
  if (call.flag("training")) {
    call.refuse("the model was saved in training mode; call model.eval() before saving it");
  }
  const ScriptValue& x = call.symbol("input");
  if (x.symbol->lifted()) {
    call.refuse("the input is {}, whose first axis isn't the batch", shape_text(x.symbol->shape));
  }
  const at::Tensor mean = call.weight("running_mean");
  const at::Tensor variance = call.weight("running_var");
  if (!mean.defined() || !variance.defined()) call.refuse("there are no running statistics");
  const at::Tensor weight = call.weight("weight");
  const at::Tensor bias = call.weight("bias");
  NormAttributes attributes;
  attributes.epsilon = call.number("eps");
  // 0 stands for PyTorch's `momentum=None`, a plain mean over all batches; training goes on with
  // the usual momentum then.
  if (call.number("momentum") > 0) attributes.momentum = call.number("momentum");
  Weights weights;
  add_weight(weights, "weight", weight.defined() ? weight : at::ones_like(mean));
  add_weight(weights, "bias", bias.defined() ? bias : at::zeros_like(mean));
  add_weight(weights, "running_mean", mean);
  add_weight(weights, "running_var", variance);
  return call.emit(Op::batch_norm, {x}, attributes, std::move(weights),
                   call.argument("running_mean").path);
}

ScriptValue layer_norm(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("input");
  const size_t over = call.integers("normalized_shape").size();
  if (over > x.symbol->shape.size()) call.refuse("normalises over {} axes", over);
  LayerNormAttributes attributes;
  attributes.axis = static_cast<int64_t>(x.symbol->shape.size() - over);
  attributes.epsilon = call.number("eps");
  Weights weights;
  add_weight(weights, "weight", call.weight("weight"));
  add_weight(weights, "bias", call.weight("bias"));
  return call.emit(Op::layer_norm, {x}, attributes, std::move(weights),
                   call.argument("weight").path);
}

/// Groups of channels normalised as one row each, then scaled by channel.
ScriptValue group_norm(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("input");
  const Shape shape = x.symbol->shape;
  const int64_t groups = call.integer("num_groups");
  if (x.symbol->lifted() || groups < 1 || shape[1] % groups != 0) {
    call.refuse("the input is {}, in {} groups", shape_text(shape), groups);
  }
  const ScriptValue rows = call.reshaped(x, {1, groups, element_count(shape) / groups});
  const ScriptValue normal =
      call.emit(Op::layer_norm, {rows}, LayerNormAttributes{2, call.number("eps")});
  const auto by_channel = [&](const char* name) {
    const at::Tensor weight = call.weight(name);
    Shape channels(shape.size() - 1, 1);
    channels[0] = shape[1];
    return weight.defined() ? weight.reshape(channels) : weight;
  };
  const ScriptValue& weight = call.argument("weight");
  return affine(call, call.reshaped(normal, shape),
                {by_channel("weight"), by_channel("bias"), weight.path, weight.learned});
}

// --- Matrices

ScriptValue linear_node(const ScriptCall& call, const ScriptValue& x, const at::Tensor& weight,
                        const at::Tensor& bias, const std::string& path) {
  if (!weight.defined() || weight.dim() != 2) call.refuse("the weight doesn't have 2 axes");
  if (bias.defined() && bias.dim() != 1) call.refuse("the bias doesn't have 1 axis");
  Weights weights;
  add_weight(weights, "weight", weight);
  add_weight(weights, "bias", bias);
  return call.emit(Op::linear, {x}, {}, std::move(weights), path);
}

ScriptValue linear(const ScriptCall& call) {
  return linear_node(call, call.symbol("input"), call.weight("weight"), call.weight("bias"),
                     call.argument("weight").path);
}

ScriptValue addmm(const ScriptCall& call) {
  if (call.number("beta") != 1 || call.number("alpha") != 1) {
    call.refuse("alpha and beta other than 1 aren't supported");
  }
  const at::Tensor weight = call.weight("mat2");
  if (!weight.defined() || weight.dim() != 2) call.refuse("the weight doesn't have 2 axes");
  return linear_node(call, call.symbol("mat1"), weight.t(), call.weight("self"),
                     call.argument("mat2").path);
}

/// Two tensors of at least 2 axes, both of which depend on the picture.
ScriptValue matmul_node(const ScriptCall& call, const ScriptValue& a, const ScriptValue& b) {
  const auto split = [&](const ScriptValue& x) {
    const Shape& shape = x.symbol->shape;
    if (shape.size() < 2) call.refuse("an input is {}", shape_text(shape));
    return std::pair{Shape(shape.begin(), shape.end() - 2), Shape(shape.end() - 2, shape.end())};
  };
  const auto [batch_a, matrix_a] = split(a);
  const auto [batch_b, matrix_b] = split(b);
  const std::optional<Shape> batch = broadcast(batch_a, batch_b);
  if (!batch) {
    call.refuse("reads {} and {}", shape_text(a.symbol->shape), shape_text(b.symbol->shape));
  }
  const auto whole = [&](const ScriptValue& x, const Shape& matrix) {
    Shape shape = *batch;
    shape.insert(shape.end(), matrix.begin(), matrix.end());
    return shape == x.symbol->shape ? x : call.expanded(x, shape);
  };
  const ScriptValue left = whole(a, matrix_a), right = whole(b, matrix_b);
  const bool only_matrices = batch->empty() && !left.symbol->lifted();
  if (only_matrices) call.refuse("the first axis of a matrix is the batch");
  return call.emit(Op::matmul, {left, right});
}

ScriptValue matmul(const ScriptCall& call) {
  const char* second = call.op_name() == "aten::matmul" ? "other" : "mat2";
  const ScriptValue& other = call.argument(second);
  if (other.symbol) return matmul_node(call, call.symbol("self"), other);
  const at::Tensor weight = call.weight(second);
  if (!weight.defined() || weight.dim() != 2) call.refuse("the weight doesn't have 2 axes");
  return linear_node(call, call.symbol("self"), weight.t(), {}, other.path);
}

/// softmax(q k^T * scale + mask) v, as PyTorch defines it.
ScriptValue attention(const ScriptCall& call) {
  const ScriptValue& query = call.symbol("query");
  const ScriptValue& key = call.symbol("key");
  if (call.number("dropout_p") != 0) call.refuse("the model was saved in training mode");
  const auto is_set = [&](const char* name) {
    const ScriptValue& value = call.argument(name);
    return value.known.isBool() && value.known.toBool();
  };
  if (is_set("is_causal") || is_set("enable_gqa")) {
    call.refuse("is_causal and enable_gqa aren't supported");
  }
  const Shape& shape = query.symbol->shape;
  std::vector<int64_t> turned(shape.size());
  for (size_t i = 0; i < turned.size(); ++i) turned[i] = static_cast<int64_t>(i);
  if (turned.size() < 2) call.refuse("query is {}", shape_text(shape));
  std::swap(turned[turned.size() - 1], turned[turned.size() - 2]);
  const double scale = call.argument("scale").is_none()
                           ? 1 / std::sqrt(static_cast<double>(shape.back()))
                           : call.number("scale");
  ScriptValue scores = scaled(call, matmul_node(call, query, call.permuted(key, turned)), scale);
  const ScriptValue& mask = call.argument("attn_mask");
  if (mask.symbol) {
    scores = combined(call, Op::add, scores, mask);
  } else if (!mask.is_none()) {
    scores = affine(call, scores, {{}, call.weight("attn_mask"), mask.path, mask.learned});
  }
  const auto last = static_cast<int64_t>(scores.symbol->shape.size()) - 1;
  return matmul_node(call, call.emit(Op::softmax, {scores}, AxisAttributes{last}),
                     call.symbol("value"));
}

}  // namespace

Translators layer_translators() {
  return {{"aten::conv2d", conv},
          {"aten::conv1d", conv},
          {"aten::_convolution", conv},
          {"aten::convolution", conv},
          {"aten::max_pool2d", max_pool},
          {"aten::avg_pool2d", avg_pool},
          {"aten::adaptive_avg_pool2d", adaptive_avg_pool},
          {"aten::batch_norm", batch_norm},
          {"aten::layer_norm", layer_norm},
          {"aten::group_norm", group_norm},
          {"aten::linear", linear},
          {"aten::addmm", addmm},
          {"aten::matmul", matmul},
          {"aten::mm", matmul},
          {"aten::bmm", matmul},
          {"aten::scaled_dot_product_attention", attention}};
}

}  // namespace fpcls
