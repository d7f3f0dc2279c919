#include <algorithm>
#include <limits>
#include <numeric>

#include "torch/script_translators.h"

namespace fpcls {
namespace {

using Values = std::vector<ScriptValue>;

const Shape& shape_of(const ScriptValue& x) { return x.symbol->shape; }
size_t rank_of(const ScriptValue& x) { return x.symbol->shape.size(); }

// --- Other shapes

ScriptValue flatten(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const int64_t start = call.axis("start_dim", rank_of(x));
  const int64_t end = call.axis("end_dim", rank_of(x));
  if (start > end) call.refuse("axes {} to {} are none", start, end);
  const auto first = shape_of(x).begin() + start, last = shape_of(x).begin() + end + 1;
  Shape to(shape_of(x).begin(), first);
  to.push_back(element_count(Shape(first, last)));
  to.insert(to.end(), last, shape_of(x).end());
  return call.reshaped(x, to);
}

/// A shape of which one extent may be left open, by -1.
ScriptValue reshape_to(const ScriptCall& call, const ScriptValue& x, Shape to) {
  const int64_t count = element_count(shape_of(x));
  int64_t known = 1;
  for (const int64_t extent : to) {
    if (extent < -1 || extent > count) call.refuse("{} fits no tensor", shape_text(to));
    known = extent == -1 ? known : std::min(known * extent, count + 1);
  }
  const auto open = std::find(to.begin(), to.end(), -1);
  if (open != to.end() && known > 0) *open = count / known;
  if (to.empty()) call.refuse("a tensor without axes isn't supported");
  if (element_count(to) != count) {
    call.refuse("from {} to {}", shape_text(shape_of(x)), shape_text(to));
  }
  return call.reshaped(x, to);
}

ScriptValue reshape(const ScriptCall& call) {
  const char* name = call.op_name() == "aten::view" ? "size" : "shape";
  if (call.argument(name).is_none()) call.refuse("a view as another type isn't supported");
  return reshape_to(call, call.symbol("self"), call.integers(name));
}

ScriptValue unflatten(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const auto axis = call.axis("dim", rank_of(x));
  Shape to = shape_of(x);
  const Shape sizes = call.integers("sizes");
  to.erase(to.begin() + axis);
  to.insert(to.begin() + axis, sizes.begin(), sizes.end());
  return reshape_to(call, x, to);
}

ScriptValue squeeze(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  std::vector<int64_t> axes(rank_of(x));
  std::iota(axes.begin(), axes.end(), 0);
  if (!call.argument("dim").is_none()) axes = call.axes("dim", rank_of(x));
  // Without axes it would depend on the number of pictures; the batch stays.
  const bool all = call.argument("dim").is_none();
  Shape to = shape_of(x);
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    const bool batch = all && *axis == 0 && !x.symbol->lifted();
    if (to[static_cast<size_t>(*axis)] == 1 && !batch) to.erase(to.begin() + *axis);
  }
  return call.reshaped(x, to);
}

ScriptValue unsqueezed(const ScriptCall& call, const ScriptValue& x, int64_t axis) {
  Shape to = shape_of(x);
  to.insert(to.begin() + axis, 1);
  return call.reshaped(x, to);
}

ScriptValue unsqueeze(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  return unsqueezed(call, x, call.axis("dim", rank_of(x) + 1));
}

ScriptValue permute(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  std::vector<int64_t> order = call.integers("dims");
  for (int64_t& axis : order) axis += axis < 0 ? static_cast<int64_t>(order.size()) : 0;
  if (call.axes("dims", rank_of(x)).size() != rank_of(x)) {
    call.refuse("names {} of {} axes", order.size(), rank_of(x));
  }
  return call.permuted(x, order);
}

ScriptValue transpose(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  std::vector<int64_t> order(rank_of(x));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<size_t>(call.axis("dim0", rank_of(x)))],
            order[static_cast<size_t>(call.axis("dim1", rank_of(x)))]);
  return call.permuted(x, order);
}

ScriptValue matrix_transpose(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  if (rank_of(x) != 2) call.refuse("the input is {}", shape_text(shape_of(x)));
  return call.permuted(x, {1, 0});
}

/// -1 stands for the extent as it is.
ScriptValue expand(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  Shape to = call.integers("size");
  if (to.size() < rank_of(x)) call.refuse("{} has too few axes", shape_text(to));
  for (size_t i = 0; i < rank_of(x); ++i) {
    int64_t& extent = to[to.size() - rank_of(x) + i];
    if (extent == -1) extent = shape_of(x)[i];
  }
  return call.expanded(x, to);
}

ScriptValue expand_as(const ScriptCall& call) {
  return call.expanded(call.symbol("self"), shape_of(call.symbol("other")));
}

// --- Parts

/// `begin` to `end` along an axis.
ScriptValue part_of(const ScriptCall& call, const ScriptValue& x, int64_t axis, int64_t begin,
                    int64_t end) {
  return call.sliced(x, {axis, begin, end, 1});
}

ScriptValue without_axis(const ScriptCall& call, const ScriptValue& x, int64_t axis) {
  Shape to = shape_of(x);
  to.erase(to.begin() + axis);
  if (to.empty()) call.refuse("a tensor without axes isn't supported");
  return call.reshaped(x, to);
}

ScriptValue slice(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const int64_t axis = call.axis("dim", rank_of(x));
  const int64_t extent = shape_of(x)[static_cast<size_t>(axis)];
  const auto bound = [&](const char* name, int64_t otherwise) {
    if (call.argument(name).is_none()) return otherwise;
    const int64_t given = call.integer(name);
    return std::clamp<int64_t>(given < 0 ? given + extent : given, 0, extent);
  };
  return call.sliced(x, {axis, bound("start", 0), bound("end", extent), call.integer("step")});
}

ScriptValue narrow(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const int64_t start = call.integer("start");
  return part_of(call, x, call.axis("dim", rank_of(x)), start, start + call.integer("length"));
}

ScriptValue select(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const int64_t axis = call.axis("dim", rank_of(x));
  const int64_t extent = shape_of(x)[static_cast<size_t>(axis)];
  const int64_t index = call.integer("index") + (call.integer("index") < 0 ? extent : 0);
  return without_axis(call, part_of(call, x, axis, index, index + 1), axis);
}

/// The tensor in parts of the given sizes.
ScriptValue parts(const ScriptCall& call, int64_t axis, const std::vector<int64_t>& sizes) {
  Values items;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    items.push_back(part_of(call, call.symbol("self"), axis, begin, begin + size));
    begin += size;
  }
  return list_value(std::move(items));
}

/// Sizes of parts of `size` each, the last maybe smaller.
std::vector<int64_t> equal_parts(const ScriptCall& call, int64_t extent, int64_t size) {
  if (size < 1) call.refuse("parts of {} are none", size);
  std::vector<int64_t> sizes;
  for (int64_t begin = 0; begin < extent; begin += size) {
    sizes.push_back(std::min(size, extent - begin));
  }
  return sizes;
}

ScriptValue chunk(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const int64_t axis = call.axis("dim", rank_of(x)), count = call.integer("chunks");
  const int64_t extent = shape_of(x)[static_cast<size_t>(axis)];
  if (count < 1) call.refuse("{} chunks are none", count);
  return parts(call, axis, equal_parts(call, extent, (extent + count - 1) / count));
}

ScriptValue split(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const int64_t axis = call.axis("dim", rank_of(x));
  const char* name = call.argument("split_size").is_none() ? "split_sizes" : "split_size";
  if (call.argument(name).items) return parts(call, axis, call.integers(name));
  const int64_t extent = shape_of(x)[static_cast<size_t>(axis)];
  return parts(call, axis, equal_parts(call, extent, call.integer(name)));
}

ScriptValue unbind(const ScriptCall& call) {
  const ScriptValue& x = call.symbol("self");
  const int64_t axis = call.axis("dim", rank_of(x));
  Values items;
  for (int64_t i = 0; i < shape_of(x)[static_cast<size_t>(axis)]; ++i) {
    items.push_back(without_axis(call, part_of(call, x, axis, i, i + 1), axis));
  }
  return list_value(std::move(items));
}

// --- Joins

ScriptValue joined(const ScriptCall& call, const Values& items, int64_t axis) {
  if (items.size() == 1 && items[0].symbol) {
    return symbol_value(items[0].symbol->node, shape_of(items[0]));
  }
  return call.emit(Op::concat, items, AxisAttributes{axis});
}

const Values& tensors_of(const ScriptCall& call) {
  const ScriptValue& tensors = call.argument("tensors");
  if (!tensors.items || tensors.items->empty()) call.refuse("there is nothing to join");
  return *tensors.items;
}

/// A tensor with a border of `value` along one axis.
ScriptValue with_border(const ScriptCall& call, const ScriptValue& x, int64_t axis, int64_t before,
                        int64_t after, double value = 0) {
  PadAttributes pad{Shape(rank_of(x)), Shape(rank_of(x)), value};
  pad.before[static_cast<size_t>(axis)] = before;
  pad.after[static_cast<size_t>(axis)] = after;
  return call.emit(Op::pad, {x}, pad);
}

/// Joins a tensor and a constant: a border of zeros, to which the constant is added.
ScriptValue joined_with(const ScriptCall& call, const ScriptValue& x, const ScriptValue& constant,
                        int64_t axis, bool constant_first) {
  at::Tensor value = constant.known.toTensor().to(at::kFloat);
  if (value.dim() != static_cast<int64_t>(rank_of(x))) call.refuse("the ranks differ");
  const int64_t extent = shape_of(x)[static_cast<size_t>(axis)], more = value.size(axis);
  for (int64_t i = 0; i < value.dim(); ++i) {
    if (i != axis && value.size(i) != shape_of(x)[static_cast<size_t>(i)]) {
      call.refuse("a constant is {}", shape_text(value.sizes().vec()));
    }
  }
  const ScriptValue wide =
      with_border(call, x, axis, constant_first ? more : 0, constant_first ? 0 : more);
  std::vector<int64_t> ends(static_cast<size_t>(2 * value.dim()));
  const auto last = static_cast<size_t>(2 * (value.dim() - 1 - axis));
  ends[last + (constant_first ? 1 : 0)] = extent;
  return affine(call, wide,
                {{}, at::constant_pad_nd(value, ends), constant.path, constant.learned});
}

ScriptValue concat(const ScriptCall& call) {
  Values items = tensors_of(call);
  const auto first = std::find_if(items.begin(), items.end(),
                                  [](const ScriptValue& item) { return bool(item.symbol); });
  FPCLS_CHECK(first != items.end());
  const int64_t axis = call.axis("dim", rank_of(*first));
  // Constants go into the neighbour that depends on the picture.
  for (size_t i = static_cast<size_t>(first - items.begin()); i > 0; --i) {
    items[i - 1] = joined_with(call, items[i], items[i - 1], axis, /*constant_first=*/true);
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (size_t i = 1; i < items.size();) {
    if (items[i].symbol) {
      ++i;
      continue;
    }
    items[i - 1] = joined_with(call, items[i - 1], items[i], axis, /*constant_first=*/false);
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return joined(call, items, axis);
}

ScriptValue stack(const ScriptCall& call) {
  Values items = tensors_of(call);
  if (!std::all_of(items.begin(), items.end(),
                   [](const ScriptValue& i) { return bool(i.symbol); })) {
    call.refuse("an input doesn't depend on the picture");
  }
  const int64_t axis = call.axis("dim", rank_of(items[0]) + 1);
  for (ScriptValue& item : items) item = unsqueezed(call, item, axis);
  return joined(call, items, axis);
}

ScriptValue roll(const ScriptCall& call) {
  ScriptValue x = call.symbol("self");
  const std::vector<int64_t> shifts = call.integers("shifts");
  std::vector<int64_t> axes = call.integers("dims");
  if (shifts.size() != axes.size()) call.refuse("{} shifts of {} axes", shifts.size(), axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axes[i] + (axes[i] < 0 ? static_cast<int64_t>(rank_of(x)) : 0);
    if (axis < 0 || axis >= static_cast<int64_t>(rank_of(x))) call.refuse("axis {}", axes[i]);
    const int64_t extent = shape_of(x)[static_cast<size_t>(axis)];
    const int64_t split = ((-shifts[i]) % extent + extent) % extent;
    if (split == 0) continue;
    x = joined(call, {part_of(call, x, axis, split, extent), part_of(call, x, axis, 0, split)},
               axis);
  }
  return symbol_value(x.symbol->node, shape_of(x));
}

ScriptValue repeat(const ScriptCall& call) {
  ScriptValue x = call.symbol("self");
  const std::vector<int64_t> times = call.integers("repeats");
  if (times.size() < rank_of(x)) call.refuse("repeats {} of {} axes", times.size(), rank_of(x));
  Shape shape = shape_of(x);
  shape.insert(shape.begin(), times.size() - shape.size(), 1);
  x = call.reshaped(x, shape);
  for (size_t axis = 0; axis < times.size(); ++axis) {
    if (times[axis] < 1 || times[axis] > 64) call.refuse("repeats {} times", times[axis]);
    x = joined(call, Values(static_cast<size_t>(times[axis]), x), static_cast<int64_t>(axis));
  }
  return x;
}

// --- Borders

/// PyTorch's list counts axes from the last: {left, right, top, bottom …}; below 0 it cuts.
ScriptValue pad(const ScriptCall& call) {
  ScriptValue x = call.symbol("self");
  const ScriptValue& mode = call.argument("mode");
  if (mode.known.isString() && mode.known.toStringRef() != "constant") {
    call.refuse("mode is {}, only constant is supported", quoted(mode.known.toStringRef()));
  }
  const std::vector<int64_t> ends = call.integers("pad");
  if (ends.size() % 2 != 0 || ends.size() > 2 * rank_of(x)) {
    call.refuse("{} borders of {} axes", ends.size(), rank_of(x));
  }
  double value = call.argument("value").is_none() ? 0 : call.number("value");
  // What is below everything stays below everything, and a file can hold it.
  if (value == -std::numeric_limits<double>::infinity()) {
    value = std::numeric_limits<float>::lowest();
  }
  PadAttributes border{Shape(rank_of(x)), Shape(rank_of(x)), value};
  for (size_t i = 0; i < ends.size(); i += 2) {
    const size_t axis = rank_of(x) - 1 - i / 2;
    const int64_t before = ends[i], after = ends[i + 1];
    const int64_t extent = shape_of(x)[axis];
    if (before < 0 || after < 0) {
      x = part_of(call, x, static_cast<int64_t>(axis), std::max<int64_t>(0, -before),
                  extent + std::min<int64_t>(0, after));
    }
    border.before[axis] = std::max<int64_t>(0, before);
    border.after[axis] = std::max<int64_t>(0, after);
  }
  const auto is_zero = [](int64_t count) { return count == 0; };
  const bool nothing = std::all_of(border.before.begin(), border.before.end(), is_zero) &&
                       std::all_of(border.after.begin(), border.after.end(), is_zero);
  return nothing ? symbol_value(x.symbol->node, shape_of(x)) : call.emit(Op::pad, {x}, border);
}

/// Every pixel as often as the size grows, which must be by whole factors.
ScriptValue upsample_nearest(const ScriptCall& call) {
  const ScriptValue& x = call.picture(call.argument("input").symbol ? "input" : "self");
  const Shape from = shape_of(x);
  Shape to = from;
  if (!call.argument("output_size").is_none()) {
    const Pair size = call.pair("output_size");
    to[2] = size[0];
    to[3] = size[1];
  } else {
    const ScriptValue& factors = call.argument("scale_factors");
    if (!factors.items || factors.items->size() != 2) call.refuse("the size isn't known");
    for (const size_t axis : {0u, 1u}) {
      const ScriptValue& factor = (*factors.items)[axis];
      if (!factor.known.isDouble()) call.refuse("the size isn't known");
      to[axis + 2] =
          static_cast<int64_t>(factor.known.toDouble() * static_cast<double>(from[axis + 2]));
    }
  }
  if (to[2] < 1 || to[3] < 1 || to[2] % from[2] != 0 || to[3] % from[3] != 0) {
    call.refuse("from {} to {}, only whole factors are supported", shape_text(from),
                shape_text(to));
  }
  const ScriptValue apart = call.reshaped(x, {1, from[1], from[2], 1, from[3], 1});
  return call.reshaped(
      call.expanded(apart, {1, from[1], from[2], to[2] / from[2], from[3], to[3] / from[3]}), to);
}

}  // namespace

Translators layout_translators() {
  return {{"aten::flatten", flatten},
          {"aten::view", reshape},
          {"aten::reshape", reshape},
          {"aten::unflatten", unflatten},
          {"aten::squeeze", squeeze},
          {"aten::unsqueeze", unsqueeze},
          {"aten::permute", permute},
          {"aten::transpose", transpose},
          {"aten::t", matrix_transpose},
          {"aten::expand", expand},
          {"aten::expand_as", expand_as},
          {"aten::slice", slice},
          {"aten::narrow", narrow},
          {"aten::select", select},
          {"aten::chunk", chunk},
          {"aten::split", split},
          {"aten::split_with_sizes", split},
          {"aten::unbind", unbind},
          {"aten::cat", concat},
          {"aten::concat", concat},
          {"aten::stack", stack},
          {"aten::roll", roll},
          {"aten::repeat", repeat},
          {"aten::pad", pad},
          {"aten::constant_pad_nd", pad},
          {"aten::upsample_nearest2d", upsample_nearest}};
}

}  // namespace fpcls
