#include "engine/planner.h"
#include "engine/window.h"

namespace fpcls {
namespace {

/// With so few windows, and more weights than a core's cache holds, a layer's time goes into
/// reading them, which oneDNN 2's convolutions do once for each row of windows, and a product of
/// matrices once.
constexpr int64_t kFewWindows = 16;
constexpr int64_t kManyWeights = 1 << 18;

/// {O, I, kh, kw} as {O, kh x kw x I}: in the order of a patch's numbers.
Tensor channels_last(const Tensor& weight) {
  const Shape& s = weight.shape();
  const int64_t window = s[2] * s[3];
  const float* from = weight.data<float>();
  std::vector<float> numbers(static_cast<size_t>(element_count(s)));
  for (int64_t o = 0; o < s[0]; ++o) {
    for (int64_t i = 0; i < s[1]; ++i) {
      for (int64_t k = 0; k < window; ++k) {
        numbers[static_cast<size_t>((o * window + k) * s[1] + i)] = *from++;
      }
    }
  }
  return Tensor::from({s[0], window * s[1]}, std::move(numbers));
}

}  // namespace

bool Planner::has_bias(const FusedStep& step) const {
  return step.norm >= 0 || !graph_.node(step.anchor).weight("bias").empty();
}

std::vector<Epilogue> Planner::epilogue_of(const FusedStep& step, Place* target) {
  std::vector<Epilogue> epilogue;
  for (const FusedOp& op : step.epilogue) {
    if (op.other < 0) {
      for (const Eltwise& e : eltwise_of(graph_.node(op.node)))
        epilogue.push_back({false, e, 1, Type::undef});
      continue;
    }
    const Place other = shaped(op.other);
    *target = real(other);
    if (!other.is_integer() && !may_overwrite(op.other)) *target = copied(other);
    epilogue.push_back({true, {}, 1, Type::undef});
  }
  return epilogue;
}

void Planner::add_conv(const FusedStep& step) {
  if (has_few_windows(step)) return add_conv_of_patches(step);
  const Node& node = graph_.node(step.anchor);
  const ConvAttributes& a = node.conv();
  Place x = real(step.inputs[0]);
  Place target;
  const std::vector<Epilogue> epilogue = epilogue_of(step, &target);
  const bool in_place = target.slot >= 0;
  const memory::desc dst = in_place ? target.desc : any_desc(batched(step.result), type_);
  const Shape shape = grouped_shape(node);
  const memory::desc* known = weights_.known(key(step, "weight"));
  const memory::desc weights = known != nullptr ? *known : any_desc(shape, type_);
  const bool bias = has_bias(step);
  const Window window = conv_window(a);
  Kernel kernel = best_conv(x.desc, weights, bias, dst, window, epilogue);
  if (known != nullptr && kernel.is_reference()) {
    kernel = best_conv(x.desc, any_desc(shape, type_), bias, dst, window, epilogue);
  }
  x = reordered(x, kernel.src);
  const Place y = in_place ? target : new_place(kernel.dst);
  launch_conv(step, kernel, x, y, [](const Tensor& weight) { return weight; });
  define(step.result, y);
}

void Planner::launch_conv(const FusedStep& step, const Kernel& kernel, const Place& x,
                          const Place& y, const std::function<Tensor(const Tensor&)>& as_read) {
  std::optional<FoldedWeights> numbers;  // only needed while they aren't packed
  const auto folded_once = [&]() -> const FoldedWeights& {
    if (!numbers) numbers = folded(step);
    return *numbers;
  };
  std::vector<Launch::Argument> arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}};
  arguments.push_back({DNNL_ARG_WEIGHTS, constant(step, "weight", kernel.weights,
                                                  [&] { return as_read(folded_once().weight); })});
  if (has_bias(step)) {
    arguments.push_back({DNNL_ARG_BIAS, vector_constant(
                                            step, "bias", [&] { return folded_once().bias; },
                                            graph_.shape(step.anchor)[1])});
  }
  launch(kernel, std::move(arguments));
}

bool Planner::has_few_windows(const FusedStep& step) const {
  const ConvAttributes& a = graph_.node(step.anchor).conv();
  const Shape weight = graph_.node(step.anchor).weight("weight").shape();
  const Shape& out = graph_.shape(step.anchor);
  return type_ == Type::f32 && a.groups == 1 && weight[2] * weight[3] > 1 &&
         out[2] * out[3] <= kFewWindows && element_count(weight) >= kManyWeights;
}

void Planner::add_conv_of_patches(const FusedStep& step) {
  const Node& node = graph_.node(step.anchor);
  const Shape weight = node.weight("weight").shape();
  const Shape in = batched(step.inputs[0]);
  const Shape out = batched(step.anchor);
  const Place x = reordered(real(step.inputs[0]), input_layout(in, type_));
  Place y;
  const std::vector<Epilogue> epilogue = epilogue_of(step, &y);
  const memory::desc layout = input_layout(out, type_);
  y = y.slot >= 0 ? reordered(y, layout) : new_place(layout);
  const int64_t rows = out[0] * out[2] * out[3];
  const int64_t columns = weight[1] * weight[2] * weight[3];
  const Place patches = new_place(plain_desc({rows, columns}, type_));
  launch_own("own:patches", patches_kernel(in, out, conv_window(node.conv()), weight),
             {x, patches});
  const memory::desc* known = weights_.known(key(step, "weight"));
  const Kernel kernel =
      linear_kernel(patches.desc, known != nullptr ? *known : any_desc({weight[0], columns}, type_),
                    has_bias(step), plain_desc({rows, weight[0]}, type_), epilogue);
  Place result = y;
  result.desc = kernel.dst;  // the same numbers in the same order
  launch_conv(step, kernel, reordered(patches, kernel.src), result, channels_last);
  define(step.result, y);
}

void Planner::add_int8_conv(const FusedStep& step) {
  const Node& node = graph_.node(step.anchor);
  const ConvAttributes& a = node.conv();
  Place x = shaped(step.inputs[0]);
  const float* weight_scales = node.weights.at("weight_scale").data<float>();
  const float input_scale = x.scale;
  const Type type = step.rounding >= 0 ? integer_type(step.rounding) : type_;
  Place target;
  float factor = 1;
  const std::vector<Epilogue> epilogue = integer_epilogue(step, &factor, &target);
  const bool in_place = target.slot >= 0;
  const Shape result = batched(step.result);
  if (in_place) target.desc = layout_of(target.desc)(result, type);
  ChannelScales scales;
  for (int64_t o = 0; o < result[1]; ++o) scales.push_back(input_scale * weight_scales[o] * factor);
  const bool bias = !node.weight("bias").empty();
  const Shape shape = grouped_shape(node);
  const memory::desc* known = weights_.known(key(step, "weight"));
  const Kernel kernel = best_conv(x.desc, known != nullptr ? *known : any_desc(shape, Type::s8),
                                  bias, in_place ? target.desc : input_layout(result, type),
                                  conv_window(a), epilogue, scales);
  x = reordered(x, kernel.src);
  const Place y = in_place ? target : new_place(kernel.dst);
  std::vector<Launch::Argument> arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}};
  arguments.push_back({DNNL_ARG_WEIGHTS, constant(step, "weight", kernel.weights,
                                                  [&] { return node.weight("weight"); })});
  if (bias) {
    const auto scaled = [&] {
      const float* values = node.weights.at("bias").data<float>();
      std::vector<float> result_bias(scales.size());
      for (size_t o = 0; o < scales.size(); ++o) {
        result_bias[o] = bias_before_scales() ? values[o] / (input_scale * weight_scales[o])
                                              : values[o] * factor;
      }
      return Tensor::from({result[1]}, std::move(result_bias));
    };
    arguments.push_back({DNNL_ARG_BIAS, vector_constant(step, "bias", scaled, result[1])});
  }
  launch(kernel, std::move(arguments));
  define(step.result, y);
}

std::vector<Epilogue> Planner::integer_epilogue(const FusedStep& step, float* factor,
                                                Place* target) {
  const float inverse = step.rounding >= 0 ? 1.0F / grids_[at(step.rounding)]->scale : 1.0F;
  // max(0, x) / s is max(0, x / s): the division can be done by the scales.
  bool early = true;
  for (const FusedOp& op : step.epilogue) {
    const Op kind = graph_.node(op.node).op;
    early = early && (op.other >= 0 || kind == Op::relu || kind == Op::leaky_relu);
  }
  if (early) *factor = inverse;
  std::vector<Epilogue> epilogue;
  for (const FusedOp& op : step.epilogue) {
    if (op.other < 0) {
      for (const Eltwise& e : eltwise_of(graph_.node(op.node))) {
        epilogue.push_back({false, e, 1, Type::undef});
      }
      continue;
    }
    *target = shaped(op.other);
    if (!may_overwrite(op.other)) *target = copied(*target);
    epilogue.push_back({true, {}, grids_[at(op.other)]->scale * *factor, type_of(target->desc)});
  }
  if (!early && inverse != 1) {
    epilogue.push_back({false, {algorithm::eltwise_linear, inverse, 0}, 1, Type::undef});
  }
  return epilogue;
}

void Planner::add_quantize(const FusedStep& step) {
  const Place x = shaped(step.inputs[0]);
  if (x.is_integer()) return define(step.result, x);
  const QuantParams& params = *grids_[at(step.result)];
  const Place y = new_place(input_layout(batched(step.result), integer_type(step.result)));
  launch(reorder_kernel(x.desc, y.desc, 1.0F / params.scale),
         {{DNNL_ARG_FROM, x}, {DNNL_ARG_TO, y}});
  define(step.result, y);
}

Shape Planner::grouped_shape(const Node& node) {
  Shape shape = node.weight("weight").shape();
  const int64_t groups = node.conv().groups;
  if (groups > 1) {
    shape[0] /= groups;
    shape.insert(shape.begin(), groups);
  }
  return shape;
}

Kernel Planner::best_conv(const memory::desc& x, const memory::desc& weights, bool bias,
                          const memory::desc& dst, const Window& window,
                          const std::vector<Epilogue>& epilogue, const ChannelScales& scales) {
  Kernel direct = conv_kernel(x, weights, bias, dst, window, epilogue, scales);
  if (direct.name.find("jit") == 0 || direct.name.find("brg") == 0) return direct;
  const memory::dims dims = dims_of(x);
  Kernel chosen = conv_kernel(any_desc(Shape(dims.begin(), dims.end()), type_of(x)), weights, bias,
                              dst, window, epilogue, scales);
  return chosen.is_reference() ? direct : chosen;
}

void Planner::add_linear(const FusedStep& step) {
  const Node& node = graph_.node(step.anchor);
  const Shape w = node.weight("weight").shape();
  Place x = real(values_.at(step.inputs[0]));
  memory::dims dims = dims_of(x.desc);
  Shape weight_shape = w;
  const int64_t rows = element_count(batched(step.inputs[0])) / w[1];
  if (dims.size() == 4 && dims[0] == rows) {
    // Flattened only now: each output has a weight for every pixel.
    weight_shape = {w[0], dims[1], dims[2], dims[3]};
  } else if (dims.size() != 2) {
    x = renamed(x, {rows, w[1]});
  }
  // The scores stay f32 whatever the layers before them are.
  const bool last = step_ + 1 == static_cast<int>(steps_.size());
  const memory::desc dst = any_desc({rows, w[0]}, last ? Type::f32 : type_);
  const bool bias = !node.weight("bias").empty();
  Place unused;
  const memory::desc* known = weights_.known(key(step, "weight"));
  const Kernel kernel =
      linear_kernel(x.desc, known != nullptr ? *known : any_desc(weight_shape, type_), bias, dst,
                    epilogue_of(step, &unused));
  x = reordered(x, kernel.src);
  Place y = new_place(kernel.dst);
  std::vector<Launch::Argument> arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}};
  arguments.push_back({DNNL_ARG_WEIGHTS, constant(step, "weight", kernel.weights,
                                                  [&] { return node.weight("weight"); })});
  if (bias) {
    arguments.push_back(
        {DNNL_ARG_BIAS, vector_constant(
                            step, "bias", [&] { return node.weight("bias"); }, w[0])});
  }
  launch(kernel, std::move(arguments));
  if (graph_.shape(step.result).size() != 2) y = renamed(y, batched(step.result));
  define(step.result, y);
}

}  // namespace fpcls
