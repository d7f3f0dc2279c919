#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/enum_names.h"
#include "graph/quant_params.h"
#include "graph/tensor.h"

/// One operation of a graph, as plain data.
namespace fpcls {

/// What image classifiers are made of. The attributes and weights that each op carries are listed
/// with it; a trailing `?` marks an optional weight. Shapes are those of PyTorch. Every op keeps
/// the batch, axis 0, and treats each picture of it alone.
enum class Op {
  input,  ///< the graph's input, f32 {N, C, H, W}, already normalised
  /// ConvAttributes; weight {O, I / groups, kh, kw}, bias? {O}. The weight is f32; or bf16, and
  /// what the layer reads is rounded to that (bf16.h); or i8 with a weight_scale {O}: what it
  /// stands for is weight * weight_scale, and its input is rounded by a `quantize`.
  conv,
  linear,      ///< weight {O, I} (as a conv's), bias? {O}; acts on the last axis
  batch_norm,  ///< NormAttributes; weight, bias, running_mean, running_var, each {C}
  relu,
  relu6,
  hardswish,
  hardsigmoid,
  sigmoid,
  silu,
  gelu,  ///< the exact one, with erf
  tanh,
  leaky_relu,         ///< LeakyAttributes
  pow,                ///< PowerAttributes: each number to a fixed power
  affine,             ///< AffineAttributes; scale?, shift?, at least one: y = x * scale + shift
  add,                ///< two inputs, broadcast as in NumPy
  mul,                ///< two inputs, broadcast as in NumPy
  concat,             ///< AxisAttributes; two inputs or more
  max_pool,           ///< PoolAttributes
  avg_pool,           ///< PoolAttributes
  adaptive_avg_pool,  ///< AdaptivePoolAttributes
  flatten,            ///< AxisAttributes: joins the axes from `axis` on
  softmax,            ///< AxisAttributes
  layer_norm,         ///< LayerNormAttributes; weight?, bias?, each of the shape normalised over
  matmul,             ///< two inputs {N, …, M, K} and {N, …, K, P} with the same leading axes
  reshape,            ///< ReshapeAttributes: the same numbers, in row-major order, as another shape
  permute,            ///< PermuteAttributes
  slice,              ///< SliceAttributes: a part along one axis
  pad,                ///< PadAttributes: a border of one number
  /// QuantizeAttributes: each number becomes the nearest that its integers can stand for,
  /// (integer - zero_point) * scale.
  quantize,
};

template <>
struct EnumNames<Op> {
  static constexpr std::pair<Op, std::string_view> entries[] = {
      {Op::input, "input"},
      {Op::conv, "conv"},
      {Op::linear, "linear"},
      {Op::batch_norm, "batch_norm"},
      {Op::relu, "relu"},
      {Op::relu6, "relu6"},
      {Op::hardswish, "hardswish"},
      {Op::hardsigmoid, "hardsigmoid"},
      {Op::sigmoid, "sigmoid"},
      {Op::silu, "silu"},
      {Op::gelu, "gelu"},
      {Op::tanh, "tanh"},
      {Op::leaky_relu, "leaky_relu"},
      {Op::pow, "pow"},
      {Op::affine, "affine"},
      {Op::add, "add"},
      {Op::mul, "mul"},
      {Op::concat, "concat"},
      {Op::max_pool, "max_pool"},
      {Op::avg_pool, "avg_pool"},
      {Op::adaptive_avg_pool, "adaptive_avg_pool"},
      {Op::flatten, "flatten"},
      {Op::softmax, "softmax"},
      {Op::layer_norm, "layer_norm"},
      {Op::matmul, "matmul"},
      {Op::reshape, "reshape"},
      {Op::permute, "permute"},
      {Op::slice, "slice"},
      {Op::pad, "pad"},
      {Op::quantize, "quantize"}};
};

/// {vertical, horizontal}.
using Pair = std::array<int64_t, 2>;
/// {top, left, bottom, right}.
using Padding = std::array<int64_t, 4>;

struct ConvAttributes {
  Pair stride{1, 1};
  Padding padding{0, 0, 0, 0};
  Pair dilation{1, 1};
  int64_t groups = 1;
};

struct PoolAttributes {
  Pair kernel{1, 1};
  Pair stride{1, 1};
  Padding padding{0, 0, 0, 0};
  Pair dilation{1, 1};             ///< max_pool only
  bool ceil_mode = false;          ///< round the output size up
  bool count_include_pad = false;  ///< avg_pool only: padding counts in the divisor
};

struct AdaptivePoolAttributes {
  Pair output{1, 1};  ///< height and width of the result
};

struct NormAttributes {
  double epsilon = 1e-5;
  /// Batch norm while training: running = (1 - momentum) * running + momentum * batch.
  double momentum = 0.1;
};

struct AxisAttributes {
  int64_t axis = 1;  ///< counted from 0, the batch
};

struct LeakyAttributes {
  double slope = 0.01;  ///< y = x where x >= 0, else slope * x
};

struct PowerAttributes {
  /// y = x ^ exponent as C's pow: 2 the square, 0.5 the square root, -1 the reciprocal; NaN for a
  /// negative x where the exponent is no whole number.
  double exponent = 1;
};

/// `scale` and `shift` have as many axes as the input, each of extent 1 or the input's; the first,
/// the batch, is 1. The result has the input's shape: {1, C, 1, 1} is a factor a channel, {1, 1, 1,
/// 1} one for all.
struct AffineAttributes {
  /// Whether they are parameters of the network, counted and trained, such as a layer scale. If not
  /// they are fixed numbers, such as those of a normalisation.
  bool learned = true;
};

struct LayerNormAttributes {
  /// Mean and variance (divided by the count, not the count - 1) are taken over the axes from
  /// `axis` on; y = (x - mean) / sqrt(variance + epsilon) * weight + bias.
  int64_t axis = 1;
  double epsilon = 1e-5;
};

struct ReshapeAttributes {
  Shape shape;  ///< of the result without the batch; none of it is left open
};

struct PermuteAttributes {
  /// Axis i of the result is axis `axes[i]` of the input; `axes[0]` is 0.
  std::vector<int64_t> axes;
};

/// The places begin, begin + step, begin + 2 step … below `end` along `axis`, with
/// 0 <= begin < end <= the axis' extent and step >= 1.
struct SliceAttributes {
  int64_t axis = 1;
  int64_t begin = 0;
  int64_t end = 1;
  int64_t step = 1;
};

/// How many places are added at each axis' ends, one count for every axis with the batch's, 0,
/// first.
struct PadAttributes {
  std::vector<int64_t> before;
  std::vector<int64_t> after;
  double value = 0;  ///< what the places hold; finite
};

struct QuantizeAttributes {
  QuantParams params;
};

using Attributes =
    std::variant<std::monostate, ConvAttributes, PoolAttributes, AdaptivePoolAttributes,
                 NormAttributes, AxisAttributes, LeakyAttributes, PowerAttributes, AffineAttributes,
                 LayerNormAttributes, ReshapeAttributes, PermuteAttributes, SliceAttributes,
                 PadAttributes, QuantizeAttributes>;

struct Node {
  Op op = Op::input;
  std::string name;         ///< unique; the layer's name in the model it came from
  std::vector<int> inputs;  ///< indices of the nodes it reads, each smaller than its own
  Attributes attributes;
  std::map<std::string, Tensor> weights;

  const ConvAttributes& conv() const { return std::get<ConvAttributes>(attributes); }
  const PoolAttributes& pool() const { return std::get<PoolAttributes>(attributes); }
  /// Whether its weight is a matrix of integers.
  bool is_int8() const { return has_weight_of(DType::i8); }
  /// Whether its weight is a matrix of bf16.
  bool is_bf16() const { return has_weight_of(DType::bf16); }
  bool has_weight_of(DType type) const {
    const auto found = weights.find("weight");
    return found != weights.end() && found->second.dtype() == type;
  }
  /// The weight called `key`, or an empty tensor.
  Tensor weight(const std::string& key) const {
    const auto found = weights.find(key);
    return found == weights.end() ? Tensor() : found->second;
  }
};

}  // namespace fpcls
