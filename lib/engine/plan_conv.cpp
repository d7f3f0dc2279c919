#include <algorithm>

#include "engine/planner.h"
#include "engine/window.h"
#include "graph/bf16.h"

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

/// Weights of 7 bits that a kernel is given doubled, because it halves them.
constexpr const char* kDoubled = "doubled weight";

bool can_double(const Tensor& weight) {
  const int8_t* integers = weight.data<int8_t>();
  return std::all_of(integers, integers + weight.count(),
                     [](int8_t integer) { return -64 <= integer && integer < 64; });
}

Tensor doubled(const Tensor& weight) {
  std::vector<int8_t> integers(weight.data<int8_t>(), weight.data<int8_t>() + weight.count());
  for (int8_t& integer : integers) integer = static_cast<int8_t>(2 * integer);
  return Tensor::from(weight.shape(), std::move(integers));
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
  Place x = factors(node, shaped(step.inputs[0]));
  Place target;
  const std::vector<Epilogue> epilogue = epilogue_of(step, &target);
  const bool in_place = target.slot >= 0;
  const memory::desc dst = in_place ? target.desc : any_desc(batched(step.result), type_);
  const Shape shape = grouped_shape(node);
  const memory::desc* known = weights_.known(key(step, "weight"));
  const memory::desc weights = known != nullptr ? *known : any_desc(shape, factor_type(node));
  const bool bias = has_bias(step);
  const Window window = conv_window(a);
  Kernel kernel = best_conv(x.desc, weights, bias, dst, window, epilogue);
  if (known != nullptr && kernel.is_reference()) {
    kernel = best_conv(x.desc, any_desc(shape, factor_type(node)), bias, dst, window, epilogue);
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
  const Node& node = graph_.node(step.anchor);
  const Shape weight = node.weight("weight").shape();
  const Shape& out = graph_.shape(step.anchor);
  return factor_type(node) == Type::f32 && node.conv().groups == 1 && weight[2] * weight[3] > 1 &&
         out[2] * out[3] <= kFewWindows && element_count(weight) >= kManyWeights;
}

void Planner::add_conv_of_patches(const FusedStep& step) {
  const Node& node = graph_.node(step.anchor);
  const Shape weight = node.weight("weight").shape();
  const Shape in = batched(step.inputs[0]);
  const Shape out = batched(step.anchor);
  const Place x = reordered(factors(node, shaped(step.inputs[0])), input_layout(in, type_));
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
  const float input_scale = x.scale;
  const Type type = step.rounding >= 0 ? integer_type(step.rounding) : type_;
  Place target;
  float factor = 1;
  const std::vector<Epilogue> epilogue = integer_epilogue(step, &factor, &target);
  const bool in_place = target.slot >= 0;
  const Shape result = batched(step.result);
  if (in_place) target.desc = layout_of(target.desc)(result, type);
  const memory::desc dst = in_place ? target.desc : input_layout(result, type);
  const bool bias = !node.weight("bias").empty();
  const Tensor one_scale_each = node.weight("weight_scale");
  std::vector<float> weight_scales(one_scale_each.data<float>(),
                                   one_scale_each.data<float>() + result[1]);
  const char* weight = "weight";
  const auto make_kernel = [&] {
    ChannelScales scales;
    for (const float scale : weight_scales) scales.push_back(input_scale * scale * factor);
    const memory::desc* known = weights_.known(key(step, weight));
    return best_conv(x.desc, known != nullptr ? *known : any_desc(grouped_shape(node), Type::s8),
                     bias, dst, conv_window(a), epilogue, scales);
  };
  const auto double_weights = [&] {
    weight = kDoubled;
    for (float& scale : weight_scales) scale /= 2;
  };
  if (weights_.known(key(step, kDoubled)) != nullptr) double_weights();
  Kernel kernel = make_kernel();
  if (halves_weights(kernel) && weights_.known(key(step, weight)) == nullptr &&
      can_double(node.weight("weight"))) {
    double_weights();
    kernel = make_kernel();
  }
  x = reordered(x, kernel.src);
  const Place y = in_place ? target : new_place(kernel.dst);
  std::vector<Launch::Argument> arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}};
  arguments.push_back({DNNL_ARG_WEIGHTS, constant(step, weight, kernel.weights, [&] {
                         const Tensor integers = node.weight("weight");
                         return weight == kDoubled ? doubled(integers) : integers;
                       })});
  if (bias) {
    const auto scaled = [&] {
      const float* values = node.weights.at("bias").data<float>();
      std::vector<float> result_bias(weight_scales.size());
      for (size_t o = 0; o < weight_scales.size(); ++o) {
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
  float limit = step.rounding >= 0 ? limit_of(step.rounding) : kUnlimited;
  if (limit != kUnlimited && !epilogue.empty() && !epilogue.back().sum) {
    // What cuts at 0 already is done by cutting at the limit, too. A second clip in one kernel
    // makes oneDNN 2.6 give wrong numbers.
    const Eltwise last = epilogue.back().eltwise;
    const bool clips = last.kind == algorithm::eltwise_clip && last.alpha == 0;
    if (clips) limit = std::min(limit, last.beta * inverse);
    if (clips || last.kind == algorithm::eltwise_relu) epilogue.pop_back();
  }
  if (!early && inverse != 1) {
    epilogue.push_back({false, {algorithm::eltwise_linear, inverse, 0}, 1, Type::undef});
  }
  if (limit != kUnlimited) {
    epilogue.push_back({false, {algorithm::eltwise_clip, 0, limit}, 1, Type::undef});
  }
  return epilogue;
}

void Planner::add_quantize(const FusedStep& step) {
  const Place x = shaped(step.inputs[0]);
  if (x.is_integer()) return define(step.result, x);
  const QuantParams& params = *grids_[at(step.result)];
  const Place y = new_place(input_layout(batched(step.result), integer_type(step.result)));
  Place from = x;
  if (const float limit = limit_of(step.result); limit != kUnlimited) {
    from = new_place(x.desc);
    launch(eltwise_kernel({algorithm::eltwise_clip, 0, limit * params.scale}, x.desc),
           {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, from}});
  }
  launch(reorder_kernel(from.desc, y.desc, 1.0F / params.scale),
         {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, y}});
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
  Place x = factors(node, values_.at(step.inputs[0]));
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
      linear_kernel(x.desc, known != nullptr ? *known : any_desc(weight_shape, factor_type(node)),
                    bias, dst, epilogue_of(step, &unused));
  x = reordered(x, kernel.src);
  Place y = new_place(kernel.dst);
  std::vector<Launch::Argument> arguments{{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}};
  arguments.push_back({DNNL_ARG_WEIGHTS, constant(step, "weight", kernel.weights,
                                                  [&] { return as_f32(node.weight("weight")); })});
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
