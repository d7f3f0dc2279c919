#include <cmath>
#include <set>

#include "graph/node_check.h"

namespace fpcls {
namespace {

// More axes than any op needs, and few enough to check cheaply.
constexpr int64_t kMaxAxes = 8;

}  // namespace

size_t want_axis(const NodeCheck& check) {
  const int64_t axis = check.want_attributes<AxisAttributes>().axis;
  check.want_within("axis", axis, 1, static_cast<int64_t>(check.input().size()) - 1);
  return static_cast<size_t>(axis);
}

Shape concat_shape(const NodeCheck& check) {
  if (check.inputs().size() < 2) {
    check.refuse("reads {} inputs, expected 2 or more", check.inputs().size());
  }
  const size_t axis = want_axis(check);
  Shape result = check.input();
  for (size_t i = 1; i < check.inputs().size(); ++i) {
    Shape next = check.inputs()[i];
    const bool same_rank = next.size() == result.size();
    const int64_t extent = same_rank ? next[axis] : 0;
    if (same_rank) next[axis] = result[axis];
    if (next != result) {
      check.refuse("reads {} and {}, which don't fit together", shape_text(check.input()),
                   shape_text(check.inputs()[i]));
    }
    result[axis] += extent;
  }
  return result;
}

Shape flatten_shape(const NodeCheck& check) {
  check.want_inputs(1);
  const auto axis = static_cast<std::ptrdiff_t>(want_axis(check));
  const Shape& input = check.input();
  Shape result(input.begin(), input.begin() + axis);
  result.push_back(element_count(Shape(input.begin() + axis, input.end())));
  return result;
}

Shape reshape_shape(const NodeCheck& check) {
  check.want_inputs(1);
  const Shape& wanted = check.want_attributes<ReshapeAttributes>().shape;
  const Shape& input = check.input();
  check.want_within("a number of axes of", static_cast<int64_t>(wanted.size()), 1, kMaxAxes - 1);
  for (const int64_t extent : wanted) check.want_within("extent", extent, 1, kMaxElements);
  // One picture's numbers, so that a batch stays one.
  Shape result{1}, one = input;
  one[0] = 1;
  result.insert(result.end(), wanted.begin(), wanted.end());
  const std::string where =
      fmt::format("layer {}: {}", quoted(check.node().name), enum_name(check.node().op));
  if (checked_element_count(result, where) != element_count(one)) {
    check.refuse("makes {} of {}, another number of elements", shape_text(result), shape_text(one));
  }
  result[0] = input[0];
  return result;
}

Shape permute_shape(const NodeCheck& check) {
  check.want_inputs(1);
  const std::vector<int64_t>& axes = check.want_attributes<PermuteAttributes>().axes;
  const Shape& input = check.input();
  const std::set<int64_t> different(axes.begin(), axes.end());
  const bool each_once = axes.size() == input.size() && different.size() == axes.size() &&
                         *different.begin() == 0 &&
                         *different.rbegin() == static_cast<int64_t>(axes.size()) - 1;
  if (!each_once || axes[0] != 0) {
    check.refuse("has axes {}, expected each of 0 to {} once, 0 first", shape_text(axes),
                 input.size() - 1);
  }
  Shape result;
  for (const int64_t axis : axes) result.push_back(input[static_cast<size_t>(axis)]);
  return result;
}

Shape slice_shape(const NodeCheck& check) {
  check.want_inputs(1);
  const auto& [axis, begin, end, step] = check.want_attributes<SliceAttributes>();
  Shape result = check.input();
  check.want_within("axis", axis, 1, static_cast<int64_t>(result.size()) - 1);
  int64_t& extent = result[static_cast<size_t>(axis)];
  check.want_within("end", end, 1, extent);
  check.want_within("begin", begin, 0, end - 1);
  check.want_within("step", step, 1, kMaxAttribute);
  extent = (end - begin + step - 1) / step;
  return result;
}

Shape pad_shape(const NodeCheck& check) {
  check.want_inputs(1);
  const auto& pad = check.want_attributes<PadAttributes>();
  Shape result = check.input();
  if (pad.before.size() != result.size() || pad.after.size() != result.size()) {
    check.refuse("pads {} and {} axes, expected {}", pad.before.size(), pad.after.size(),
                 result.size());
  }
  if (!std::isfinite(pad.value)) check.refuse("has value {}, expected a finite number", pad.value);
  for (size_t axis = 0; axis < result.size(); ++axis) {
    const int64_t most = axis == 0 ? 0 : kMaxAttribute;
    check.want_within("padding", pad.before[axis], 0, most);
    check.want_within("padding", pad.after[axis], 0, most);
    result[axis] += pad.before[axis] + pad.after[axis];
  }
  return result;
}

}  // namespace fpcls
