#include "graph/channel_layout.h"

#include <algorithm>
#include <set>

namespace fpcls {
namespace {

size_t at_index(int index) { return static_cast<size_t>(index); }

/// Number of elements that one step along `axis` passes over.
int64_t stride_of(const Shape& shape, int axis) {
  return element_count(Shape(shape.begin() + axis + 1, shape.end()));
}

/// Each place from the same place of the only input.
LayoutMap same_places(const Shape& shape, int from, int to) {
  LayoutMap map{to, {}};
  for (int place = 0; place < shape[at_index(from)]; ++place) map.sources.push_back({{0, place}});
  return map;
}

/// The axis of `to` that takes over `axis` of `from`: the longest of those along which the place
/// changes.
int reshaped_axis(const Shape& from, int axis, const Shape& to) {
  const int64_t low = stride_of(from, axis);
  const int64_t high = low * from[at_index(axis)];
  int best = -1;
  for (int i = 1; i < static_cast<int>(to.size()); ++i) {
    const int64_t stride = stride_of(to, i);
    const bool overlaps = std::max(low, stride) < std::min(high, stride * to[at_index(i)]);
    if (overlaps && (best < 0 || to[at_index(i)] > to[at_index(best)])) best = i;
  }
  return best;
}

LayoutMap map_reshape(const Shape& from, int axis, const Shape& to) {
  LayoutMap map;
  map.axis = reshaped_axis(from, axis, to);
  if (map.axis < 0) return map;
  const int64_t from_stride = stride_of(from, axis), from_extent = from[at_index(axis)];
  const int64_t to_stride = stride_of(to, map.axis), to_extent = to[at_index(map.axis)];
  std::vector<std::set<int>> found(static_cast<size_t>(to_extent));
  // Places repeat; a run between two changes needs one look.
  const int64_t step = std::min(from_stride, to_stride);
  const bool regular = from_stride % step == 0 && to_stride % step == 0;
  const int64_t count = element_count(from);
  for (int64_t i = 0; i < count; i += regular ? step : 1) {
    found[static_cast<size_t>(i / to_stride % to_extent)].insert(
        static_cast<int>(i / from_stride % from_extent));
  }
  for (const std::set<int>& places : found) {
    std::vector<PlaceSource>& sources = map.sources.emplace_back();
    for (const int place : places) sources.push_back({0, place});
  }
  return map;
}

LayoutMap map_permute(const Node& node, const Shape& shape, int axis) {
  const auto& axes = std::get<PermuteAttributes>(node.attributes).axes;
  const auto found = std::find(axes.begin(), axes.end(), axis);
  return same_places(shape, axis, static_cast<int>(found - axes.begin()));
}

LayoutMap map_slice(const Node& node, const Shape& shape, int axis) {
  const auto& slice = std::get<SliceAttributes>(node.attributes);
  if (slice.axis != axis) return same_places(shape, axis, axis);
  // What is left of every second place is not every second place of what is left.
  if (slice.step != 1) return {};
  LayoutMap map{axis, {}};
  for (int64_t place = slice.begin; place < slice.end; ++place) {
    map.sources.push_back({{0, static_cast<int>(place)}});
  }
  return map;
}

LayoutMap map_pad(const Node& node, const Shape& shape, int axis) {
  const auto& pad = std::get<PadAttributes>(node.attributes);
  LayoutMap map = same_places(shape, axis, axis);
  const std::vector<PlaceSource> border{{kPadding, 0}};
  map.sources.insert(map.sources.begin(), static_cast<size_t>(pad.before[at_index(axis)]), border);
  map.sources.insert(map.sources.end(), static_cast<size_t>(pad.after[at_index(axis)]), border);
  return map;
}

LayoutMap map_concat(const Graph& graph, const Node& node, const std::vector<int>& axes) {
  const int joined = static_cast<int>(std::get<AxisAttributes>(node.attributes).axis);
  const int axis = *std::max_element(axes.begin(), axes.end());
  for (const int other : axes) {
    if (other >= 0 && other != axis) return {};
  }
  LayoutMap map{axis, {}};
  if (axis < 0) return map;
  const int inputs = static_cast<int>(node.inputs.size());
  for (int input = 0; input < inputs; ++input) {
    const auto extent =
        static_cast<int>(graph.shape(node.inputs[at_index(input)])[at_index(axis)]);
    for (int place = 0; place < extent; ++place) {
      if (axis == joined || input == 0) {
        map.sources.push_back({{input, place}});
      } else {
        map.sources[at_index(place)].push_back({input, place});
      }
    }
  }
  return map;
}

}  // namespace

bool only_moves(Op op) {
  switch (op) {
    case Op::concat:
    case Op::flatten:
    case Op::reshape:
    case Op::permute:
    case Op::slice:
    case Op::pad:
      return true;
    default:
      return false;
  }
}

LayoutMap map_layout(const Graph& graph, int index, const std::vector<int>& axes) {
  const Node& node = graph.node(index);
  if (node.op == Op::concat) return map_concat(graph, node, axes);
  if (axes[0] < 0) return {};
  const Shape& shape = graph.shape(node.inputs[0]);
  switch (node.op) {
    case Op::flatten:
    case Op::reshape:
      return map_reshape(shape, axes[0], graph.shape(index));
    case Op::permute:
      return map_permute(node, shape, axes[0]);
    case Op::slice:
      return map_slice(node, shape, axes[0]);
    case Op::pad:
      return map_pad(node, shape, axes[0]);
    default:
      FPCLS_CHECK(false);
      return {};
  }
}

}  // namespace fpcls
