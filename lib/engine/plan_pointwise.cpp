#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "engine/planner.h"

namespace fpcls {

void Planner::add_batch_norm(const FusedStep& step) {
  // As the folding into a convolution that passes everything through.
  const auto folded = [this, &step] {
    const int64_t channels = graph_.shape(step.anchor)[1];
    Node identity;
    identity.weights["weight"] =
        Tensor::from({channels, 1}, std::vector<float>(static_cast<size_t>(channels), 1.0F));
    return fold_batch_norm(identity, graph_.node(step.anchor));
  };
  add_channel_affine(
      step, [=] { return folded().weight; }, [=] { return folded().bias; });
}

void Planner::add_channel_affine(const FusedStep& step, const std::function<Tensor()>& scale,
                                 const std::function<Tensor()>& shift) {
  const Place x = real(step.inputs[0]);
  const Place y = result_over(step.inputs[0], x);
  const int64_t channels = graph_.shape(step.anchor)[1];
  const auto all = [&](const char* what, float value) {
    return vector_constant(
        step, what, [&] { return repeated(value, channels); }, channels);
  };
  const bool relu = !step.epilogue.empty();
  launch(channel_affine_kernel(x.desc, relu),
         {{DNNL_ARG_SRC, x},
          {DNNL_ARG_DST, y},
          {DNNL_ARG_MEAN, all("mean", 0)},
          {DNNL_ARG_VARIANCE, all("variance", 1)},
          {DNNL_ARG_SCALE, vector_constant(step, "scale", scale, channels)},
          {DNNL_ARG_SHIFT, vector_constant(step, "shift", shift, channels)}});
  define(step.result, y);
}

void Planner::add_affine(const FusedStep& step) {
  const Node& node = graph_.node(step.anchor);
  const Shape shape = graph_.shape(step.anchor);
  const auto each_channel = [&](const char* key) {
    const Tensor tensor = node.weight(key);
    return tensor.empty() || tensor.count() == 1 ||
           (tensor.count() == shape[1] && tensor.shape()[1] == shape[1]);
  };
  if (shape.size() == 4 && each_channel("scale") && each_channel("shift")) {
    const auto vector_of = [&](const char* key, float neutral) {
      return [=, &node] {
        const Tensor tensor = node.weight(key);
        if (tensor.empty()) return repeated(neutral, shape[1]);
        if (tensor.count() == 1) return repeated(tensor.data<float>()[0], shape[1]);
        return tensor;
      };
    };
    return add_channel_affine(step, vector_of("scale", 1), vector_of("shift", 0));
  }
  Place x = as_plain(real(step.inputs[0]));
  for (const char* key : {"scale", "shift"}) {
    const Tensor tensor = node.weight(key);
    if (tensor.empty()) continue;
    const bool scale = std::string_view(key) == "scale";
    const bool last = !scale || node.weight("shift").empty();
    Place unused;
    const Place other =
        constant(step, key, plain_desc(tensor.shape(), type_), [&] { return node.weight(key); });
    const Place y = new_place(x.desc);
    launch(binary_kernel(scale ? algorithm::binary_mul : algorithm::binary_add, x.desc, other.desc,
                         y.desc, last ? epilogue_of(step, &unused) : std::vector<Epilogue>()),
           {{DNNL_ARG_SRC_0, x}, {DNNL_ARG_SRC_1, other}, {DNNL_ARG_DST, y}});
    x = y;
  }
  define(step.result, x);
}

void Planner::add_layer_norm(const FusedStep& step) {
  const Node& node = graph_.node(step.anchor);
  const auto& a = std::get<LayerNormAttributes>(node.attributes);
  const Shape shape = batched(step.anchor);
  const int64_t inner = element_count(Shape(shape.begin() + a.axis, shape.end()));
  const Place x = renamed(real(step.inputs[0]), {element_count(shape) / inner, inner});
  const Place y = new_place(x.desc);
  const auto vector_of = [&](const char* key, float neutral) {
    return vector_constant(
        step, key,
        [&, neutral] {
          const Tensor tensor = node.weight(key);
          return tensor.empty() ? repeated(neutral, inner) : tensor;
        },
        inner);
  };
  launch(layer_norm_kernel(x.desc, static_cast<float>(a.epsilon)),
         {{DNNL_ARG_SRC, x},
          {DNNL_ARG_DST, y},
          {DNNL_ARG_SCALE, vector_of("weight", 1)},
          {DNNL_ARG_SHIFT, vector_of("bias", 0)}});
  define(step.result, renamed(y, shape));
}

void Planner::add_matmul(const FusedStep& step) {
  const auto as_batch = [&](int node) {
    const Shape shape = batched(node);
    const int64_t rows = shape[shape.size() - 2], columns = shape.back();
    return renamed(real(node), {element_count(shape) / (rows * columns), rows, columns});
  };
  const Place a = as_batch(step.inputs[0]);
  const Place b = as_batch(step.inputs[1]);
  const memory::dims rows = dims_of(a.desc), columns = dims_of(b.desc);
  const Place y = new_place(plain_desc({rows[0], rows[1], columns[2]}, type_));
  launch(matmul_kernel(a.desc, b.desc, y.desc),
         {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, y}});
  define(step.result, renamed(y, batched(step.result)));
}

void Planner::add_activation(const FusedStep& step) {
  const Place x = real(step.inputs[0]);
  const Place y = result_over(step.inputs[0], x);
  Place from = x;
  for (const Eltwise& e : eltwise_of(graph_.node(step.anchor))) {
    launch(eltwise_kernel(e, x.desc), {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, y}});
    from = y;
  }
  define(step.result, y);
}

void Planner::add_binary(const FusedStep& step, dnnl::algorithm kind) {
  int a = step.inputs[0];
  int b = step.inputs[1];
  if (element_count(graph_.shape(a)) < element_count(graph_.shape(b))) std::swap(a, b);
  if (graph_.shape(a) != graph_.shape(step.anchor)) {
    fail("{} of {} and {}, which both have to be repeated", enum_name(graph_.node(step.anchor).op),
         shape_text(graph_.shape(a)), shape_text(graph_.shape(b)));
  }
  if (graph_.shape(a) == graph_.shape(b) && a != b && !may_overwrite(a) && may_overwrite(b)) {
    std::swap(a, b);
  }
  const Place x = real(a);
  Place other = real(b);
  if (graph_.shape(a) == graph_.shape(b)) other = reordered(other, x.desc);
  const Place y = a == b ? new_place(x.desc) : result_over(a, x);
  Place unused;
  const std::vector<Epilogue> epilogue = epilogue_of(step, &unused);
  if (is_channel_gate(graph_.shape(a), graph_.shape(b)) && kind == algorithm::binary_mul &&
      epilogue.empty() && channel_layout(x.desc)) {
    other = as_plain(other);
    launch_own("own:gate", gate_kernel(x.desc), {x, other, y});
  } else {
    other = padded_axes(other, x);
    launch(binary_kernel(kind, x.desc, other.desc, y.desc, epilogue),
           {{DNNL_ARG_SRC_0, x}, {DNNL_ARG_SRC_1, other}, {DNNL_ARG_DST, y}});
  }
  define(step.result, y);
}

Place Planner::padded_axes(const Place& place, const Place& like) {
  const size_t axes = dims_of(like.desc).size();
  const memory::dims dims = dims_of(place.desc);
  if (dims.size() == axes) return place;
  Shape shape(axes - dims.size(), 1);
  shape.insert(shape.end(), dims.begin(), dims.end());
  return renamed(place, shape);
}

void Planner::add_softmax(const FusedStep& step) {
  const auto& a = std::get<AxisAttributes>(graph_.node(step.anchor).attributes);
  const Place x = as_plain(real(step.inputs[0]));
  const Place y = new_place(x.desc);
  launch(softmax_kernel(x.desc, static_cast<int>(a.axis)), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
  define(step.result, y);
}

}  // namespace fpcls
