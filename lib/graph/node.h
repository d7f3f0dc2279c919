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
#include "graph/tensor.h"

/// One operation of a graph, as plain data.
namespace fpcls {

/// What image classifiers are made of. The attributes and weights that each op carries are listed
/// with it; a trailing `?` marks an optional weight. Shapes are those of PyTorch.
enum class Op {
  input,         ///< the graph's input, f32 {N, C, H, W}, already normalised
  conv,          ///< ConvAttributes; weight {O, I / groups, kh, kw}, bias? {O}
  linear,        ///< weight {O, I}, bias? {O}; acts on the last axis
  batch_norm,    ///< NormAttributes; weight, bias, running_mean, running_var, each {C}
  relu,
  relu6,
  hardswish,
  hardsigmoid,
  sigmoid,
  silu,
  gelu,          ///< the exact one, with erf
  add,           ///< two inputs, broadcast as in NumPy
  mul,           ///< two inputs, broadcast as in NumPy
  concat,        ///< AxisAttributes; two inputs or more
  max_pool,      ///< PoolAttributes
  avg_pool,      ///< PoolAttributes
  adaptive_avg_pool,  ///< AdaptivePoolAttributes
  flatten,       ///< AxisAttributes: joins the axes from `axis` on
  softmax,       ///< AxisAttributes
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
      {Op::add, "add"},
      {Op::mul, "mul"},
      {Op::concat, "concat"},
      {Op::max_pool, "max_pool"},
      {Op::avg_pool, "avg_pool"},
      {Op::adaptive_avg_pool, "adaptive_avg_pool"},
      {Op::flatten, "flatten"},
      {Op::softmax, "softmax"}};
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

using Attributes = std::variant<std::monostate, ConvAttributes, PoolAttributes,
                                AdaptivePoolAttributes, NormAttributes, AxisAttributes>;

struct Node {
  Op op = Op::input;
  std::string name;         ///< unique; the layer's name in the model it came from
  std::vector<int> inputs;  ///< indices of the nodes it reads, each smaller than its own
  Attributes attributes;
  std::map<std::string, Tensor> weights;

  const ConvAttributes& conv() const { return std::get<ConvAttributes>(attributes); }
  const PoolAttributes& pool() const { return std::get<PoolAttributes>(attributes); }
  /// The weight called `key`, or an empty tensor.
  Tensor weight(const std::string& key) const {
    const auto found = weights.find(key);
    return found == weights.end() ? Tensor() : found->second;
  }
};

}  // namespace fpcls
