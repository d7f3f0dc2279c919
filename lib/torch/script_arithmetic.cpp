#include <cmath>
#include <limits>

#include "torch/convert.h"
#include "torch/script_translators.h"

namespace fpcls {
namespace {

// --- Activations

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

/// hardtanh and clamp: ReLU6, or ReLU once or twice, with numbers moved before and after.
ScriptValue clamp(const ScriptCall& call) {
  const bool hardtanh = call.op_name().rfind("aten::hardtanh", 0) == 0;
  const char* low_name = hardtanh ? "min_val" : "min";
  const char* high_name = hardtanh ? "max_val" : "max";
  const double infinity = std::numeric_limits<double>::infinity();
  const double low = call.argument(low_name).is_none() ? -infinity : call.number(low_name);
  const double high = call.argument(high_name).is_none() ? infinity : call.number(high_name);
  if (low > high) call.refuse("limits are {} and {}", low, high);
  const ScriptValue& x = call.symbol("self");
  if (low == 0 && high == 6) return call.emit(Op::relu6, {x});
  ScriptValue y = x;
  if (low > -infinity) y = scaled(call, call.emit(Op::relu, {scaled(call, y, 1, -low)}), 1, low);
  if (high < infinity) y = scaled(call, call.emit(Op::relu, {scaled(call, y, -1, high)}), -1, high);
  return y;
}

ScriptValue softmax(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  return call.emit(Op::softmax, {x}, AxisAttributes{call.axis("dim", x.symbol->shape.size())});
}

ScriptValue leaky_relu(const ScriptCall& call) {
  return call.emit(Op::leaky_relu, {call.symbol("self")},
                   LeakyAttributes{call.number("negative_slope")});
}

ScriptValue absolute(const ScriptCall& call) {
  return call.emit(Op::leaky_relu, {call.symbol("self")}, LeakyAttributes{-1});
}

ScriptValue power_of(const ScriptCall& call, const ScriptValue& x, double exponent) {
  return call.emit(Op::pow, {x}, PowerAttributes{exponent});
}

Translator power(double exponent) {
  return
      [exponent](const ScriptCall& call) { return power_of(call, call.symbol("self"), exponent); };
}

ScriptValue pow(const ScriptCall& call) {
  return power_of(call, call.symbol("self"), call.number("exponent"));
}

// --- Arithmetic

/// A number or a tensor of numbers.
at::Tensor constant(const ScriptCall& call, const ScriptValue& value) {
  if (value.known.isInt()) return at::scalar_tensor(value.known.toInt(), at::kDouble);
  if (value.known.isDouble()) return at::scalar_tensor(value.known.toDouble(), at::kDouble);
  if (!value.is_tensor()) call.refuse("an input is neither a number nor a tensor");
  return value.known.toTensor();
}

double factor(const ScriptCall& call) {
  return call.argument("alpha").is_none() ? 1 : call.number("alpha");
}

AffineConstants constants_from(const ScriptValue& source, at::Tensor scale, at::Tensor shift) {
  return {std::move(scale), std::move(shift), source.path, source.learned};
}

/// a * x + b * y, where either may be a constant.
ScriptValue weighted_sum(const ScriptCall& call, const ScriptValue& x, double a,
                         const ScriptValue& y, double b) {
  if (x.symbol && y.symbol) {
    return combined(call, Op::add, scaled(call, x, a), scaled(call, y, b));
  }
  if (!x.symbol) return weighted_sum(call, y, b, x, a);
  const at::Tensor shift = constant(call, y).to(at::kDouble) * b;
  return affine(call, scaled(call, x, a), constants_from(y, {}, shift));
}

ScriptValue weighted_sum(const ScriptCall& call, double a, double b) {
  return weighted_sum(call, call.argument("self"), a, call.argument("other"), b);
}

/// The product of two, of which one may be a constant.
ScriptValue product(const ScriptCall& call, const ScriptValue& x, const ScriptValue& y) {
  if (x.symbol && y.symbol) return combined(call, Op::mul, x, y);
  if (!x.symbol) return product(call, y, x);
  return affine(call, x, constants_from(y, constant(call, y), {}));
}

ScriptValue add(const ScriptCall& call) { return weighted_sum(call, 1, factor(call)); }
ScriptValue sub(const ScriptCall& call) { return weighted_sum(call, 1, -factor(call)); }
ScriptValue rsub(const ScriptCall& call) { return weighted_sum(call, -factor(call), 1); }
ScriptValue neg(const ScriptCall& call) { return scaled(call, call.symbol("self"), -1); }

ScriptValue mul(const ScriptCall& call) {
  return product(call, call.argument("self"), call.argument("other"));
}

ScriptValue div(const ScriptCall& call) {
  if (!call.argument("rounding_mode").is_none()) call.refuse("rounding isn't supported");
  const ScriptValue& self = call.argument("self");
  const ScriptValue& other = call.argument("other");
  if (other.symbol) return product(call, self, power_of(call, other, -1));
  const at::Tensor scale = constant(call, other).to(at::kDouble).reciprocal();
  return affine(call, self, constants_from(other, scale, {}));
}

/// self + value * tensor1 * tensor2.
ScriptValue addcmul(const ScriptCall& call) {
  const ScriptValue& a = call.argument("tensor1");
  const ScriptValue& b = call.argument("tensor2");
  if (!a.symbol && !b.symbol) call.refuse("a product of constants isn't supported");
  return weighted_sum(call, call.argument("self"), 1, product(call, a, b), call.number("value"));
}

/// The constant laid out for the node of `x`, of `rank` axes as the program sees it.
Tensor laid_out(const at::Tensor& constant, size_t rank, bool lifted) {
  Shape shape = constant.sizes().vec();
  shape.insert(shape.begin(), rank - shape.size() + (lifted ? 1 : 0), 1);
  return from_torch(constant.reshape(shape));
}

}  // namespace

ScriptValue scaled(const ScriptCall& call, const ScriptValue& x, double scale, double shift) {
  if (scale == 1 && shift == 0) return x;
  const auto number = [](double value, double nothing) {
    return value == nothing ? at::Tensor() : at::scalar_tensor(value, at::kDouble);
  };
  return affine(call, x, {number(scale, 1), number(shift, 0), "", false});
}

ScriptValue affine(const ScriptCall& call, const ScriptValue& x, const AffineConstants& constants) {
  Shape shape = x.symbol->shape;
  for (const at::Tensor& constant : {constants.scale, constants.shift}) {
    if (!constant.defined()) continue;
    const std::optional<Shape> both = broadcast(shape, constant.sizes().vec());
    if (!both) {
      call.refuse("{} and {} don't fit together", shape_text(x.symbol->shape),
                  shape_text(constant.sizes().vec()));
    }
    shape = *both;
  }
  const ScriptValue result = symbol_value(0, shape);
  const bool lifted = result.symbol->lifted();
  int node = call.aligned_node(x, shape.size(), lifted);
  // Constants may be longer than the tensor; the result has the tensor's shape.
  Shape needed = call.builder.shape(node);
  Weights weights;
  for (const auto& [key, constant] :
       {std::pair{"scale", constants.scale}, std::pair{"shift", constants.shift}}) {
    if (!constant.defined()) continue;
    weights[key] = laid_out(constant, shape.size(), lifted);
    needed = *broadcast(needed, weights[key].shape());
  }
  if (weights.empty()) return x;
  node = call.repeated_node(node, needed);
  result.symbol->node = call.add_node(Op::affine, {node}, AffineAttributes{constants.learned},
                                      std::move(weights), constants.path);
  return result;
}

ScriptValue combined(const ScriptCall& call, Op op, const ScriptValue& a, const ScriptValue& b) {
  const std::optional<Shape> shape = broadcast(a.symbol->shape, b.symbol->shape);
  if (!shape) {
    call.refuse("{} and {} don't fit together", shape_text(a.symbol->shape),
                shape_text(b.symbol->shape));
  }
  const ScriptValue result = symbol_value(0, *shape);
  const auto aligned = [&](const ScriptValue& x) {
    return call.aligned_node(x, shape->size(), result.symbol->lifted());
  };
  result.symbol->node = call.add_node(op, {aligned(a), aligned(b)});
  return result;
}

Translators arithmetic_translators() {
  return {{"aten::relu", activation(Op::relu)},
          {"aten::relu6", activation(Op::relu6)},
          {"aten::hardswish", activation(Op::hardswish)},
          {"aten::hardsigmoid", activation(Op::hardsigmoid)},
          {"aten::sigmoid", activation(Op::sigmoid)},
          {"aten::silu", activation(Op::silu)},
          {"aten::tanh", activation(Op::tanh)},
          {"aten::gelu", gelu},
          {"aten::leaky_relu", leaky_relu},
          {"aten::abs", absolute},
          {"aten::hardtanh", clamp},
          {"aten::clamp", clamp},
          {"aten::clamp_min", clamp},
          {"aten::clamp_max", clamp},
          {"aten::softmax", softmax},
          {"aten::pow", pow},
          {"aten::square", power(2)},
          {"aten::sqrt", power(0.5)},
          {"aten::rsqrt", power(-0.5)},
          {"aten::reciprocal", power(-1)},
          {"aten::neg", neg},
          {"aten::add", add},
          {"aten::sub", sub},
          {"aten::rsub", rsub},
          {"aten::mul", mul},
          {"aten::multiply", mul},
          {"aten::div", div},
          {"aten::addcmul", addcmul}};
}

}  // namespace fpcls
