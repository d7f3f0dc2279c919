#include "torch/conv.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>

namespace fpcls {
namespace {

constexpr const char* kPrepack = "mkldnn_prepacked::conv2d_prepack";
constexpr const char* kRun = "mkldnn_prepacked::conv2d_run";

/// libtorch's own fused convolution, which its C++ headers don't declare; absent in builds without
/// oneDNN.
struct FusedConv {
  c10::OperatorHandle prepack;
  c10::OperatorHandle run;
};

const std::optional<FusedConv>& fused_conv() {
  static const std::optional<FusedConv> found = []() -> std::optional<FusedConv> {
    auto& dispatcher = c10::Dispatcher::singleton();
    const auto prepack = dispatcher.findSchema({kPrepack, ""});
    const auto run = dispatcher.findSchema({kRun, ""});
    if (!prepack || !run) return std::nullopt;
    return FusedConv{*prepack, *run};
  }();
  return found;
}

Pair symmetric_padding(const ConvAttributes& conv) {
  return is_symmetric(conv.padding) ? Pair{conv.padding[0], conv.padding[1]} : Pair{0, 0};
}

std::vector<int64_t> list(const Pair& pair) { return {pair.begin(), pair.end()}; }

c10::IValue pack(const ConvAttributes& conv, const NodeWeights& weights, const Shape& input_shape,
                 bool relu) {
  Shape size = input_shape;
  if (!is_symmetric(conv.padding)) {
    size[2] += conv.padding[0] + conv.padding[2];
    size[3] += conv.padding[1] + conv.padding[3];
  }
  const auto bias = weights.find("bias");
  std::vector<c10::IValue> stack{weights.at("weight").contiguous(at::MemoryFormat::ChannelsLast),
                                 bias == weights.end() ? c10::IValue() : c10::IValue(bias->second),
                                 list(conv.stride),
                                 list(symmetric_padding(conv)),
                                 list(conv.dilation),
                                 conv.groups,
                                 size,
                                 relu ? "relu" : "none"};
  fused_conv()->prepack.callBoxed(&stack);
  return stack.at(0);
}

}  // namespace

PreparedConv::PreparedConv(const ConvAttributes& attributes, const NodeWeights& weights,
                           const Shape& input_shape, bool relu)
    : attributes_(attributes), relu_(relu) {
  if (weights.at("weight").is_cpu() && fused_conv()) {
    packed_ = pack(attributes, weights, input_shape, relu);
    return;
  }
  weights_ = weights;
  at::Tensor& weight = weights_.at("weight");
  weight = weight.contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor PreparedConv::run(const at::Tensor& x) const {
  const at::Tensor& input =
      is_symmetric(attributes_.padding) ? x : padded(x, attributes_.padding, 0);
  if (!packed_.isNone()) {
    std::vector<c10::IValue> stack{input.contiguous(at::MemoryFormat::ChannelsLast), packed_};
    fused_conv()->run.callBoxed(&stack);
    return stack.at(0).toTensor();
  }
  const auto bias = weights_.find("bias");
  at::Tensor y = at::conv2d(
      input, weights_.at("weight"), bias == weights_.end() ? at::Tensor() : bias->second,
      attributes_.stride, symmetric_padding(attributes_), attributes_.dilation, attributes_.groups);
  return relu_ ? y.relu_() : y;
}

NodeWeights fold_batch_norm(const NodeWeights& conv, const NodeWeights& norm, double epsilon) {
  const auto wide = [](const NodeWeights& weights, const char* key) {
    return weights.at(key).to(at::kDouble);
  };
  const at::Tensor scale = wide(norm, "weight") / at::sqrt(wide(norm, "running_var") + epsilon);
  const at::Tensor mean = conv.count("bias") != 0 ? wide(norm, "running_mean") - wide(conv, "bias")
                                                  : wide(norm, "running_mean");
  NodeWeights folded;
  folded["weight"] = (wide(conv, "weight") * scale.view({-1, 1, 1, 1})).to(at::kFloat);
  folded["bias"] = (wide(norm, "bias") - mean * scale).to(at::kFloat);
  return folded;
}

}  // namespace fpcls
