#include "torch/integer_layer.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "torch/convert.h"

namespace fpcls {
namespace {

/// Integers up to it are f32 numbers, whatever the order in which they are added.
constexpr double kExact_f32 = 1 << 24;
constexpr double kLargestInput = 255;

at::Tensor by_channel(std::vector<float> values, const c10::Device& device) {
  const auto count = static_cast<int64_t>(values.size());
  return to_torch(Tensor::from({1, count, 1, 1}, std::move(values))).to(device);
}

/// a * b + c, rounded once: in double only the sum rounds, 29 bits below f32's last.
at::Tensor fused_multiply_add(const at::Tensor& a, double b, const at::Tensor& c) {
  return (a.to(at::kDouble) * b + c.to(at::kDouble)).to(at::kFloat);
}

at::Tensor multiply_add(const at::Tensor& a, float b, float c) {
  return (a.to(at::kDouble) * double{b} + double{c}).to(at::kFloat);
}

/// In the order of operations that vector instructions have.
at::Tensor activated(const Node& node, const at::Tensor& y) {
  constexpr float kSixth = 1.0F / 6;
  switch (node.op) {
    case Op::hardsigmoid:
      return at::clamp(multiply_add(y, kSixth, 0.5F), 0, 1);
    case Op::hardswish:
      return y * at::clamp(multiply_add(y, kSixth, 0.5F), 0, 1);
    default:
      return apply(node, {}, {y});
  }
}

}  // namespace

IntegerLayer::IntegerLayer(const Graph& graph, const IntegerStep& step, const c10::Device& device)
    : conv_(graph.node(step.conv).conv()),
      scales_(scales_of(graph, step)),
      activation_(step.activation >= 0 ? &graph.node(step.activation) : nullptr) {
  const Node& node = graph.node(step.conv);
  if (step.rounding >= 0) {
    result_ = std::get<QuantizeAttributes>(graph.node(step.rounding).attributes).params;
  }
  weight_ = to_torch(node.weight("weight")).to(device).to(at::kDouble);
  const double most =
      kLargestInput * weight_.abs().sum({1, 2, 3}).max().template item<double>();
  if (most < kExact_f32) weight_ = weight_.to(at::kFloat);
  const Tensor scale = node.weight("weight_scale"), bias = node.weight("bias");
  std::vector<float> factors, biases;
  for (int64_t o = 0; o < scale.count(); ++o) {
    const float one = scales_.input * scale.data<float>()[o];
    factors.push_back(one * scales_.early);
    if (!bias.empty()) biases.push_back(bias.data<float>()[o] / one);
  }
  factor_ = by_channel(std::move(factors), device);
  if (!biases.empty()) bias_ = by_channel(std::move(biases), device);
}

at::Tensor IntegerLayer::sums(const at::Tensor& integers) const {
  const Padding& p = conv_.padding;
  const bool symmetric = is_symmetric(p);
  const at::Tensor input =
      (symmetric ? integers : padded(integers, p, 0)).to(weight_.scalar_type());
  const Pair padding = symmetric ? Pair{p[0], p[1]} : Pair{0, 0};
  return at::conv2d(input, weight_, {}, conv_.stride, padding, conv_.dilation, conv_.groups)
      .to(at::kFloat);
}

at::Tensor IntegerLayer::run(const at::Tensor& x, const at::Tensor& other) const {
  at::Tensor y = sums(at::round(x / scales_.input));
  if (bias_.defined()) y = y + bias_;
  y = y * factor_;
  if (other.defined()) {
    const float factor = scales_.other * scales_.early;
    y = fused_multiply_add(at::round(other / scales_.other), double{factor}, y);
  }
  if (activation_ != nullptr) y = activated(*activation_, y);
  if (!result_) return y;
  const int zero = result_->zero_point;
  const at::Tensor steps = at::round(scales_.late == 1 ? y : y * scales_.late);
  return at::clamp(steps, result_->lowest - zero, result_->highest - zero) * result_->scale;
}

}  // namespace fpcls
