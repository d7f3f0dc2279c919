#include "torch/ops.h"

#include <limits>

#include "base/error.h"

namespace fpcls {
namespace {

/// A pool's attributes for libtorch, which pads both ends alike: `x` comes padded where they
/// differ.
struct PoolInput {
  at::Tensor x;
  Pair padding;
};

PoolInput pool_input(const at::Tensor& x, const PoolAttributes& pool, double value) {
  if (is_symmetric(pool.padding)) return {x, {pool.padding[0], pool.padding[1]}};
  return {padded(x, pool.padding, value), {0, 0}};
}

/// The size of a pool's result as the graph's shape inference has it; a pool over an input that was
/// padded beforehand can give one more row with `ceil_mode`, a window of nothing but padding.
at::Tensor cropped(const at::Tensor& y, const at::Tensor& x, const PoolAttributes& pool) {
  if (!pool.ceil_mode || is_symmetric(pool.padding)) return y;
  at::Tensor result = y;
  for (const int64_t axis : {0, 1}) {
    const auto i = static_cast<size_t>(axis);
    const int64_t reachable = x.size(axis + 2) + pool.padding[i];
    const int64_t most = (reachable + pool.stride[i] - 1) / pool.stride[i];
    if (result.size(axis + 2) > most) result = result.narrow(axis + 2, 0, most);
  }
  return result;
}

at::Tensor max_pool(const at::Tensor& x, const PoolAttributes& pool) {
  const auto [input, padding] = pool_input(x, pool, -std::numeric_limits<double>::infinity());
  return cropped(
      at::max_pool2d(input, pool.kernel, pool.stride, padding, pool.dilation, pool.ceil_mode), x,
      pool);
}

at::Tensor avg_pool(const at::Tensor& x, const PoolAttributes& pool) {
  const auto [input, padding] = pool_input(x, pool, 0);
  const bool symmetric = is_symmetric(pool.padding);
  const auto mean = [&](const at::Tensor& values, bool count_padding) {
    return cropped(
        at::avg_pool2d(values, pool.kernel, pool.stride, padding, pool.ceil_mode, count_padding), x,
        pool);
  };
  if (symmetric || pool.count_include_pad) return mean(input, pool.count_include_pad);
  const at::Tensor ones = at::ones({1, 1, x.size(2), x.size(3)}, x.options());
  return mean(input, true) / mean(padded(ones, pool.padding, 0), true);
}

/// By the rule of graph/quant_params.h.
at::Tensor quantize(const at::Tensor& x, const QuantParams& params) {
  const at::Tensor integers =
      at::clamp(at::round(x * (1.0F / params.scale)) + params.zero_point, params.lowest,
                params.highest);
  return (integers - params.zero_point) * params.scale;
}

at::Tensor conv(const Node& node, const NodeWeights& weights, const at::Tensor& x, bool bf16) {
  const ConvAttributes& attributes = node.conv();
  const bool symmetric = is_symmetric(attributes.padding);
  const at::Tensor& input = symmetric ? x : padded(x, attributes.padding, 0);
  const Pair padding = symmetric ? Pair{attributes.padding[0], attributes.padding[1]} : Pair{0, 0};
  const auto cast = [&](const at::Tensor& value) { return bf16 ? value.to(at::kBFloat16) : value; };
  const auto bias = weights.find("bias");
  return at::conv2d(cast(input), cast(weights.at("weight")),
                    bias == weights.end() ? at::Tensor() : cast(bias->second), attributes.stride,
                    padding, attributes.dilation, attributes.groups);
}

at::Tensor linear(const NodeWeights& weights, const at::Tensor& x, bool bf16) {
  const auto cast = [&](const at::Tensor& value) { return bf16 ? value.to(at::kBFloat16) : value; };
  const auto bias = weights.find("bias");
  if (bias == weights.end()) return at::linear(cast(x), cast(weights.at("weight")));
  return at::linear(cast(x), cast(weights.at("weight")), cast(bias->second));
}

at::Tensor matmul(const at::Tensor& a, const at::Tensor& b, bool bf16) {
  const auto type = bf16 ? at::kBFloat16 : at::kFloat;
  return at::matmul(a.to(type), b.to(type));
}

at::Tensor batch_norm(const Node& node, const NodeWeights& weights, const at::Tensor& x,
                      bool training) {
  const auto& norm = std::get<NormAttributes>(node.attributes);
  return at::batch_norm(x, weights.at("weight"), weights.at("bias"), weights.at("running_mean"),
                        weights.at("running_var"), training, norm.momentum, norm.epsilon,
                        /*cudnn_enabled=*/true);
}

at::Tensor affine(const NodeWeights& weights, const at::Tensor& x) {
  const auto scale = weights.find("scale");
  const auto shift = weights.find("shift");
  if (scale == weights.end()) return x + shift->second;
  return shift == weights.end() ? x * scale->second : x * scale->second + shift->second;
}

at::Tensor layer_norm(const Node& node, const NodeWeights& weights, const at::Tensor& x) {
  const auto& norm = std::get<LayerNormAttributes>(node.attributes);
  const auto weight = [&](const char* key) {
    const auto found = weights.find(key);
    return found == weights.end() ? at::Tensor() : found->second;
  };
  return at::layer_norm(x.to(at::kFloat), x.sizes().slice(static_cast<size_t>(norm.axis)),
                        weight("weight"), weight("bias"), norm.epsilon);
}

at::Tensor reshape(const Node& node, const at::Tensor& x) {
  Shape shape = std::get<ReshapeAttributes>(node.attributes).shape;
  shape.insert(shape.begin(), x.size(0));
  return x.reshape(shape);
}

at::Tensor slice(const Node& node, const at::Tensor& x) {
  const auto& [axis, begin, end, step] = std::get<SliceAttributes>(node.attributes);
  return x.slice(axis, begin, end, step);
}

at::Tensor pad(const Node& node, const at::Tensor& x) {
  const auto& attributes = std::get<PadAttributes>(node.attributes);
  std::vector<int64_t> ends;  // libtorch counts axes from the last
  for (size_t axis = attributes.before.size(); axis-- > 0;) {
    ends.push_back(attributes.before[axis]);
    ends.push_back(attributes.after[axis]);
  }
  return at::constant_pad_nd(x, ends, attributes.value);
}

int64_t axis_of(const Node& node) { return std::get<AxisAttributes>(node.attributes).axis; }

}  // namespace

at::Tensor rounded_to_bf16(const at::Tensor& x) { return x.to(at::kBFloat16).to(at::kFloat); }

at::Tensor padded(const at::Tensor& x, const Padding& padding, double value) {
  const auto& [top, left, bottom, right] = padding;
  return at::constant_pad_nd(x, {left, right, top, bottom}, value);
}

at::Tensor apply(const Node& node, const NodeWeights& weights,
                 const std::vector<at::Tensor>& inputs, const OpMode& mode) {
  const auto factors = [&] { return node.is_bf16() ? rounded_to_bf16(inputs[0]) : inputs[0]; };
  switch (node.op) {
    case Op::input:
      break;
    case Op::conv:
      return conv(node, weights, factors(), mode.bf16);
    case Op::linear:
      return linear(weights, factors(), mode.bf16);
    case Op::batch_norm:
      return batch_norm(node, weights, inputs[0], mode.training);
    case Op::relu:
      return at::relu(inputs[0]);
    case Op::relu6:
      return at::hardtanh(inputs[0], 0, 6);
    case Op::hardswish:
      return at::hardswish(inputs[0]);
    case Op::hardsigmoid:
      return at::hardsigmoid(inputs[0]);
    case Op::sigmoid:
      return at::sigmoid(inputs[0]);
    case Op::silu:
      return at::silu(inputs[0]);
    case Op::gelu:
      return at::gelu(inputs[0]);
    case Op::tanh:
      return at::tanh(inputs[0]);
    case Op::leaky_relu:
      return at::leaky_relu(inputs[0], std::get<LeakyAttributes>(node.attributes).slope);
    case Op::pow:
      return at::pow(inputs[0], std::get<PowerAttributes>(node.attributes).exponent);
    case Op::affine:
      return affine(weights, inputs[0]);
    case Op::add:
      return at::add(inputs[0], inputs[1]);
    case Op::mul:
      return at::mul(inputs[0], inputs[1]);
    case Op::concat:
      return at::cat(inputs, axis_of(node));
    case Op::max_pool:
      return max_pool(inputs[0], node.pool());
    case Op::avg_pool:
      return avg_pool(inputs[0], node.pool());
    case Op::adaptive_avg_pool:
      return at::adaptive_avg_pool2d(inputs[0],
                                     std::get<AdaptivePoolAttributes>(node.attributes).output);
    case Op::flatten:
      return at::flatten(inputs[0], axis_of(node));
    case Op::softmax:
      return at::softmax(inputs[0], axis_of(node));
    case Op::layer_norm:
      return layer_norm(node, weights, inputs[0]);
    case Op::matmul:
      return matmul(inputs[0], inputs[1], mode.bf16);
    case Op::reshape:
      return reshape(node, inputs[0]);
    case Op::permute:
      return inputs[0].permute(std::get<PermuteAttributes>(node.attributes).axes);
    case Op::slice:
      return slice(node, inputs[0]);
    case Op::pad:
      return pad(node, inputs[0]);
    case Op::quantize:
      return quantize(inputs[0], std::get<QuantizeAttributes>(node.attributes).params);
  }
  FPCLS_CHECK(false);
  return {};
}

}  // namespace fpcls
