#include "torch/script_lists.h"

#include <algorithm>

#include "base/error.h"

namespace fpcls {
namespace {

using Items = std::vector<ScriptValue>;
using Refuse = std::function<void(const std::string&)>;

/// The place that `index`, from either end, names.
size_t place_of(const ScriptValue& index, const Items& items, const Refuse& refuse) {
  const auto size = static_cast<int64_t>(items.size());
  if (!index.known.isInt()) refuse("the index isn't known");
  const int64_t place = index.known.toInt() + (index.known.toInt() < 0 ? size : 0);
  if (place < 0 || place >= size) refuse("the index is out of range");
  return static_cast<size_t>(place);
}

/// A bound of a slice, cut to the list.
int64_t bound_of(const ScriptValue& given, int64_t otherwise, int64_t size) {
  if (!given.known.isInt()) return otherwise;
  const int64_t bound = given.known.toInt() + (given.known.toInt() < 0 ? size : 0);
  return std::clamp<int64_t>(bound, 0, size);
}

ScriptValue slice(const std::vector<ScriptValue>& inputs, const Refuse& refuse) {
  const Items& items = *inputs[0].items;
  const auto size = static_cast<int64_t>(items.size());
  const int64_t step = inputs.size() > 3 && inputs[3].known.isInt() ? inputs[3].known.toInt() : 1;
  if (step < 1) refuse("the step isn't 1 or more");
  const int64_t begin = inputs.size() > 1 ? bound_of(inputs[1], 0, size) : 0;
  const int64_t end = inputs.size() > 2 ? bound_of(inputs[2], size, size) : size;
  Items part;
  for (int64_t i = begin; i < end; i += std::min(step, size)) {
    part.push_back(items[static_cast<size_t>(i)]);
  }
  return list_value(std::move(part), inputs[0].is_tuple);
}

}  // namespace

std::optional<ScriptValue> apply_to_list(const std::string& op_name,
                                         const std::vector<ScriptValue>& inputs,
                                         const Refuse& refuse) {
  if (inputs.empty() || !inputs[0].items) return std::nullopt;
  Items& items = *inputs[0].items;
  const bool second_list = inputs.size() > 1 && inputs[1].items;
  if (op_name == "aten::len") {
    return script_value(c10::IValue(static_cast<int64_t>(items.size())));
  }
  if (op_name == "aten::__getitem__" || op_name == "prim::TupleIndex") {
    return items[place_of(inputs.at(1), items, refuse)];
  }
  if (op_name == "aten::slice" || op_name == "prim::TupleSlice") return slice(inputs, refuse);
  if (op_name == "aten::append") {
    items.push_back(inputs.at(1));
    return inputs[0];
  }
  if (op_name == "aten::_set_item") {
    items[place_of(inputs.at(1), items, refuse)] = inputs.at(2);
    return inputs[0];
  }
  if ((op_name == "aten::extend" || op_name == "aten::add_") && second_list) {
    const Items more = *inputs[1].items;
    items.insert(items.end(), more.begin(), more.end());
    return inputs[0];
  }
  if (op_name == "aten::add" && second_list) {
    Items joined = items;
    joined.insert(joined.end(), inputs[1].items->begin(), inputs[1].items->end());
    return list_value(std::move(joined));
  }
  if (op_name == "aten::copy" || op_name == "aten::list") return list_value(items);
  if (op_name == "aten::pop") {
    const size_t place = inputs.size() > 1 ? place_of(inputs[1], items, refuse) : items.size() - 1;
    if (items.empty()) refuse("the list is empty");
    ScriptValue item = items[place];
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(place));
    return item;
  }
  return std::nullopt;
}

}  // namespace fpcls
