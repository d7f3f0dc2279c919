#include <algorithm>
#include <functional>
#include <limits>
#include <unordered_map>

#include "torch/convert.h"
#include "torch/script_call.h"

namespace fpcls {
namespace {

using Weights = std::map<std::string, Tensor>;
using Translator = std::function<ScriptValue(const ScriptCall&)>;

void add_weight(Weights& weights, const char* key, const at::Tensor& tensor) {
  if (tensor.defined()) weights[key] = from_torch(tensor);
}

// --- Layers with weights

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

ScriptValue conv(const ScriptCall& call) {
  const ScriptValue& transposed = call.argument("transposed");
  if (transposed.known.isBool() && transposed.known.toBool()) {
    call.refuse("transposed convolutions aren't supported");
  }
  const at::Tensor weight = call.weight("weight");
  if (!weight.defined() || weight.dim() != 4) call.refuse("the weight doesn't have 4 axes");
  ConvAttributes attributes;
  attributes.stride = call.pair("stride");
  attributes.dilation = call.pair("dilation");
  attributes.padding = conv_padding(call, shape_of(weight), attributes.dilation);
  attributes.groups = call.integer("groups");
  Weights weights;
  add_weight(weights, "weight", weight);
  add_weight(weights, "bias", call.weight("bias"));
  return call.emit(Op::conv, {call.symbol("input")}, attributes, std::move(weights),
                   call.argument("weight").path);
}

ScriptValue batch_norm(const ScriptCall& call) {
  if (call.flag("training")) {
    call.refuse("the model was saved in training mode; call model.eval() before saving it");
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
  return call.emit(Op::batch_norm, {call.symbol("input")}, attributes, std::move(weights),
                   call.argument("running_mean").path);
}

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

ScriptValue matmul(const ScriptCall& call) {
  const char* second = call.op_name() == "aten::mm" ? "mat2" : "other";
  const at::Tensor weight = call.weight(second);
  if (!weight.defined() || weight.dim() != 2) call.refuse("the weight doesn't have 2 axes");
  return linear_node(call, call.symbol("self"), weight.t(), {}, call.argument(second).path);
}

// --- Element by element

Translator activation(Op op) {
  return [op](const ScriptCall& call) {
    const ScriptValue& x = call.inputs.at(0);
    return call.emit(op, {x});
  };
}

ScriptValue gelu(const ScriptCall& call) {
  const ScriptValue& approximate = call.argument("approximate");
  if (approximate.known.isString() && approximate.known.toStringRef() != "none") {
    call.refuse("the approximation {} isn't supported", quoted(approximate.known.toStringRef()));
  }
  return call.emit(Op::gelu, {call.symbol("self")});
}

/// hardtanh and clamp, where they are ReLU or ReLU6.
ScriptValue clamp(const ScriptCall& call) {
  const bool hardtanh = call.op_name().rfind("aten::hardtanh", 0) == 0;
  const char* low_name = hardtanh ? "min_val" : "min";
  const char* high_name = hardtanh ? "max_val" : "max";
  const double infinity = std::numeric_limits<double>::infinity();
  const double low = call.argument(low_name).is_none() ? -infinity : call.number(low_name);
  const double high = call.argument(high_name).is_none() ? infinity : call.number(high_name);
  if (low == 0 && high == 6) return call.emit(Op::relu6, {call.symbol("self")});
  if (low == 0 && high == infinity) return call.emit(Op::relu, {call.symbol("self")});
  call.refuse("limits {} and {} aren't supported, only 0 and 6, or 0 alone", low, high);
}

ScriptValue add(const ScriptCall& call) {
  if (!call.argument("alpha").is_none() && call.number("alpha") != 1) {
    call.refuse("a factor other than 1 isn't supported");
  }
  return call.emit(Op::add, {call.symbol("self"), call.symbol("other")});
}

ScriptValue mul(const ScriptCall& call) {
  return call.emit(Op::mul, {call.symbol("self"), call.symbol("other")});
}

ScriptValue softmax(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  return call.emit(Op::softmax, {x}, AxisAttributes{call.axis("dim", call.shape_of(x).size())});
}

ScriptValue concat(const ScriptCall& call) {
  const ScriptValue& tensors = call.argument("tensors");
  if (!tensors.items || tensors.items->empty()) call.refuse("there is nothing to join");
  const std::vector<ScriptValue>& items = *tensors.items;
  if (items.size() == 1 && items[0].symbol) return symbol_value(items[0].symbol->node);
  if (!items[0].symbol) call.refuse("an input doesn't depend on the picture");
  const int64_t axis = call.axis("dim", call.shape_of(items[0]).size());
  return call.emit(Op::concat, items, AxisAttributes{axis});
}

// --- Pools

PoolAttributes pool_attributes(const ScriptCall& call) {
  PoolAttributes pool;
  pool.kernel = call.pair("kernel_size");
  pool.stride = call.integers("stride").empty() ? pool.kernel : call.pair("stride");
  const Pair padding = call.pair("padding");
  pool.padding = {padding[0], padding[1], padding[0], padding[1]};
  pool.ceil_mode = call.flag("ceil_mode");
  return pool;
}

ScriptValue max_pool(const ScriptCall& call) {
  PoolAttributes pool = pool_attributes(call);
  pool.dilation = call.pair("dilation");
  return call.emit(Op::max_pool, {call.symbol("self")}, pool);
}

ScriptValue avg_pool(const ScriptCall& call) {
  PoolAttributes pool = pool_attributes(call);
  pool.count_include_pad = call.flag("count_include_pad");
  if (!call.argument("divisor_override").is_none()) {
    call.refuse("divisor_override isn't supported");
  }
  return call.emit(Op::avg_pool, {call.symbol("self")}, pool);
}

ScriptValue adaptive_avg_pool(const ScriptCall& call) {
  return call.emit(Op::adaptive_avg_pool, {call.symbol("self")},
                   AdaptivePoolAttributes{call.pair("output_size")});
}

ScriptValue mean(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  std::vector<int64_t> axes = call.argument("dim").is_none() ? Shape{} : call.integers("dim");
  for (int64_t& axis : axes) axis += axis < 0 ? 4 : 0;
  std::sort(axes.begin(), axes.end());
  if (call.shape_of(x).size() != 4 || axes != Shape{2, 3}) {
    call.refuse("only the mean over height and width is supported");
  }
  const ScriptValue pooled = call.emit(Op::adaptive_avg_pool, {x}, AdaptivePoolAttributes{{1, 1}});
  if (call.flag("keepdim")) return pooled;
  return call.emit(Op::flatten, {pooled}, AxisAttributes{1});
}

// --- Shapes

/// A view: the same memory, so what is done in place to one is done to the other.
ScriptValue as_view(const ScriptValue& view, const ScriptValue& of) {
  view.symbol->storage = of.symbol->storage;
  return view;
}

/// `x` with its axes from `axis` on joined.
ScriptValue joined(const ScriptCall& call, const ScriptValue& x, int64_t axis) {
  const auto last = static_cast<int64_t>(call.shape_of(x).size()) - 1;
  if (axis == last) return as_view(symbol_value(x.symbol->node), x);
  return as_view(call.emit(Op::flatten, {x}, AxisAttributes{axis}), x);
}

ScriptValue flatten(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const size_t rank = call.shape_of(x).size();
  const int64_t start = call.axis("start_dim", rank);
  if (start == 0 || call.axis("end_dim", rank) + 1 != static_cast<int64_t>(rank)) {
    call.refuse("only flattening up to the last axis, without the batch, is supported");
  }
  return joined(call, x, start);
}

/// view and reshape, where they only join the last axes.
ScriptValue reshape(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const Shape& from = call.shape_of(x);
  Shape to = call.integers(call.op_name() == "aten::view" ? "size" : "shape");
  int64_t known = 1;
  for (const int64_t extent : to) {
    if (extent < -1 || extent > element_count(from))
      call.refuse("{} fits no tensor", shape_text(to));
    known = extent == -1 ? known : std::min(known * extent, element_count(from) + 1);
  }
  const auto open = std::find(to.begin(), to.end(), -1);
  if (open != to.end() && known > 0) *open = element_count(from) / known;
  if (to == from) return as_view(symbol_value(x.symbol->node), x);
  for (size_t axis = 1; axis + 1 < from.size(); ++axis) {
    Shape flat(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(axis));
    flat.push_back(element_count(from) / element_count(flat));
    if (to == flat) return joined(call, x, static_cast<int64_t>(axis));
  }
  call.refuse("from {} to {}: only joining the last axes is supported", shape_text(from),
              shape_text(to));
}

ScriptValue squeeze(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const Shape& shape = call.shape_of(x);
  if (!call.argument("dim").known.isInt()) call.refuse("the axis isn't one known number");
  const auto axis = static_cast<size_t>(call.axis("dim", shape.size()));
  if (shape[axis] != 1) return as_view(symbol_value(x.symbol->node), x);
  // Joining an axis of one with its neighbour removes it.
  if (axis == 0 || shape.size() < 3 || axis + 2 < shape.size()) {
    call.refuse("axis {} of {} can't be removed, only one of the last two", axis,
                shape_text(shape));
  }
  return joined(call, x, static_cast<int64_t>(shape.size()) - 2);
}

// --- What does nothing while judging pictures

ScriptValue same(const ScriptCall& call) { return call.inputs.at(0); }

ScriptValue dropout(const ScriptCall& call) {
  if (call.flag("train") && call.number("p") > 0) {
    call.refuse("the model was saved in training mode; call model.eval() before saving it");
  }
  return call.symbol("input");
}

ScriptValue clone(const ScriptCall& call) { return symbol_value(call.symbol("self").symbol->node); }

ScriptValue to(const ScriptCall& call) {
  const ScriptValue& dtype = call.argument("dtype");
  const bool stays = dtype.is_none() || (dtype.known.isInt() &&
                                         dtype.known.toInt() == static_cast<int64_t>(at::kFloat));
  if (!stays) call.refuse("only 32-bit floating point is supported");
  return call.symbol("self");
}

const std::unordered_map<std::string, Translator>& translators() {
  static const std::unordered_map<std::string, Translator> table{
      {"aten::conv2d", conv},
      {"aten::_convolution", conv},
      {"aten::convolution", conv},
      {"aten::batch_norm", batch_norm},
      {"aten::linear", linear},
      {"aten::addmm", addmm},
      {"aten::matmul", matmul},
      {"aten::mm", matmul},
      {"aten::relu", activation(Op::relu)},
      {"aten::relu6", activation(Op::relu6)},
      {"aten::hardswish", activation(Op::hardswish)},
      {"aten::hardsigmoid", activation(Op::hardsigmoid)},
      {"aten::sigmoid", activation(Op::sigmoid)},
      {"aten::silu", activation(Op::silu)},
      {"aten::gelu", gelu},
      {"aten::hardtanh", clamp},
      {"aten::clamp", clamp},
      {"aten::clamp_min", clamp},
      {"aten::add", add},
      {"aten::mul", mul},
      {"aten::softmax", softmax},
      {"aten::cat", concat},
      {"aten::concat", concat},
      {"aten::max_pool2d", max_pool},
      {"aten::avg_pool2d", avg_pool},
      {"aten::adaptive_avg_pool2d", adaptive_avg_pool},
      {"aten::mean", mean},
      {"aten::flatten", flatten},
      {"aten::view", reshape},
      {"aten::reshape", reshape},
      {"aten::squeeze", squeeze},
      {"aten::dropout", dropout},
      {"aten::feature_dropout", dropout},
      {"aten::alpha_dropout", dropout},
      {"aten::contiguous", same},
      {"aten::detach", same},
      {"aten::alias", same},
      {"aten::clone", clone},
      {"aten::to", to},
  };
  return table;
}

/// The op's name without the underscore that says it works in place.
std::string plain_name(const std::string& op_name) {
  const bool in_place =
      op_name.size() > 7 && op_name.back() == '_' && op_name.rfind("__") != op_name.size() - 2;
  return in_place ? op_name.substr(0, op_name.size() - 1) : op_name;
}

}  // namespace

bool can_translate(const std::string& op_name) {
  return translators().count(plain_name(op_name)) != 0;
}

ScriptValue translate(const ScriptCall& call) {
  const std::string name = plain_name(call.op_name());
  const auto found = translators().find(name);
  FPCLS_CHECK(found != translators().end());
  ScriptValue result = found->second(call);
  if (name == call.op_name()) return result;
  const ScriptValue& target = call.inputs.at(0);
  if (!target.symbol) call.refuse("changes something that doesn't depend on the picture");
  if (result.symbol == target.symbol) return result;
  if (target.symbol->storage.use_count() > 1) {
    call.refuse("works in place on a tensor of which there is a view");
  }
  target.symbol->node = result.symbol->node;
  return target;
}

}  // namespace fpcls
