#include <algorithm>

#include "engine/byte_max_pool.h"
#include "engine/planner.h"
#include "engine/window.h"

namespace fpcls {

void Planner::add_permute(const FusedStep& step) {
  const auto& a = std::get<PermuteAttributes>(graph_.node(step.anchor).attributes);
  std::vector<int> goes_to(a.axes.size());
  for (size_t i = 0; i < a.axes.size(); ++i) {
    goes_to[static_cast<size_t>(a.axes[i])] = static_cast<int>(i);
  }
  Place x = shaped(step.inputs[0]);
  x.desc = x.desc.permute_axes(goes_to);
  define(step.result, x);
}

void Planner::add_slice(const FusedStep& step) {
  const auto& a = std::get<SliceAttributes>(graph_.node(step.anchor).attributes);
  const Place x = as_plain(shaped(step.inputs[0]));
  const Shape in = batched(step.inputs[0]);
  const Place y = new_place(plain_desc(batched(step.result), type_of(x.desc)));
  launch_own("own:slice", slice_kernel(in, a, bytes_of(x.desc)), {x, y});
  define(step.result, y);
}

void Planner::add_pad(const FusedStep& step) {
  const auto& a = std::get<PadAttributes>(graph_.node(step.anchor).attributes);
  const Place x = as_plain(real(step.inputs[0]));
  const Place y = new_place(plain_desc(batched(step.result), type_of(x.desc)));
  launch_own("own:fill", fill_kernel(y.desc, static_cast<float>(a.value)), {y});
  Place inside = y;
  inside.desc =
      y.desc.submemory_desc(dims_of(x.desc), memory::dims(a.before.begin(), a.before.end()));
  add_reorder(x, inside);
  define(step.result, y);
}

void Planner::add_concat(const FusedStep& step) {
  const auto& a = std::get<AxisAttributes>(graph_.node(step.anchor).attributes);
  std::vector<Place> places;
  const bool integers = grids_[at(step.result)].has_value();
  for (const int input : step.inputs) places.push_back(integers ? shaped(input) : real(input));
  // Everything in the layout of the largest, so that most of it is copied straight.
  const auto largest = std::max_element(
      places.begin(), places.end(),
      [](const Place& p, const Place& q) { return p.desc.get_size() < q.desc.get_size(); });
  const auto layout = layout_of(largest->desc);
  std::vector<memory::desc> descs;
  for (Place& place : places) {
    const memory::dims dims = dims_of(place.desc);
    place = reordered(place, layout(Shape(dims.begin(), dims.end()), type_of(place.desc)));
    descs.push_back(place.desc);
  }
  const Kernel kernel = concat_kernel(static_cast<int>(a.axis), descs);
  const Place y = new_place(kernel.dst);
  std::vector<Launch::Argument> arguments{{DNNL_ARG_DST, y}};
  for (size_t i = 0; i < places.size(); ++i) {
    arguments.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), places[i]});
  }
  launch(kernel, std::move(arguments));
  define(step.result, y);
}

std::function<memory::desc(const Shape&, memory::data_type)> Planner::layout_of(
    const memory::desc& desc) {
  const memory::dims dims = dims_of(desc);
  if (dims.size() == 4) {
    for (const Tag tag : {Tag::nChw16c, Tag::nChw8c, Tag::nhwc}) {
      if (desc == memory::desc(dims, type_of(desc), tag)) {
        return [tag](const Shape& shape, Type type) {
          return memory::desc(memory::dims(shape.begin(), shape.end()), type, tag);
        };
      }
    }
  }
  return [](const Shape& shape, Type type) { return plain_desc(shape, type); };
}

void Planner::add_pool(const FusedStep& step) {
  const Node& node = graph_.node(step.anchor);
  const bool maximum = node.op == Op::max_pool;
  const Shape& in = graph_.shape(step.inputs[0]);
  const Shape& out = graph_.shape(step.anchor);
  const algorithm kind = maximum                         ? algorithm::pooling_max
                         : node.pool().count_include_pad ? algorithm::pooling_avg_include_padding
                                                         : algorithm::pooling_avg_exclude_padding;
  const Window window = pool_window(node.pool(), in, out);
  const bool reaches_over = window.padding_after[0] > node.pool().padding[2] ||
                            window.padding_after[1] > node.pool().padding[3];
  if (reaches_over && kind == algorithm::pooling_avg_include_padding) {
    // PyTorch divides by the padding that was asked for, oneDNN by all that the window covers.
    return add_mean(step, padded_spans(node.pool(), 0, in[2], out[2]),
                    padded_spans(node.pool(), 1, in[3], out[3]));
  }
  add_pool(step, kind, window);
}

void Planner::add_pool(const FusedStep& step, algorithm kind, const Window& window) {
  const bool maximum = kind == algorithm::pooling_max;
  Place x = maximum ? shaped(step.inputs[0]) : real(step.inputs[0]);
  const Shape out = batched(step.anchor);
  if (maximum && takes_byte_max(x.desc, out, window)) {
    const Place y =
        new_place(memory::desc(memory::dims(out.begin(), out.end()), type_of(x.desc), Tag::nhwc));
    launch_own("own:byte_max", byte_max_kernel(x.desc, out, window), {x, y});
    return define(step.result, y);
  }
  const Kernel kernel = pool_kernel(kind, x.desc, any_desc(out, type_of(x.desc)), window);
  x = reordered(x, kernel.src);
  const Place y = new_place(kernel.dst);
  launch(kernel, {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}});
  define(step.result, y);
}

void Planner::add_adaptive_pool(const FusedStep& step) {
  const Shape in = batched(step.inputs[0]);
  const Shape out = batched(step.anchor);
  if (in[2] % out[2] == 0 && in[3] % out[3] == 0) {
    const Pair size{in[2] / out[2], in[3] / out[3]};
    return add_pool(step, algorithm::pooling_avg_include_padding,
                    pool_window({size, size, {}, {1, 1}, false, false}, in, out));
  }
  add_mean(step, adaptive_spans(in[2], out[2]), adaptive_spans(in[3], out[3]));
}

void Planner::add_mean(const FusedStep& step, std::vector<Span> rows, std::vector<Span> columns) {
  const Shape in = batched(step.inputs[0]);
  const Shape out = batched(step.anchor);
  const Place x = reordered(real(step.inputs[0]), plain_desc(in, Type::f32));
  Place y = new_place(plain_desc(out, Type::f32));
  launch_own("own:mean",
             mean_kernel(in[0] * in[1], in[2], in[3], std::move(rows), std::move(columns)), {x, y});
  define(step.result, type_ == Type::f32 ? y : reordered(y, plain_desc(out, type_)));
}

}  // namespace fpcls
