#include "torch/script_value.h"

#include <algorithm>

namespace fpcls {

ScriptValue script_value(const c10::IValue& value, const std::string& path, bool learned) {
  std::vector<ScriptValue> items;
  if (value.isList()) {
    for (const c10::IValue& item : value.toListRef())
      items.push_back(script_value(item, path, learned));
    return list_value(std::move(items));
  }
  if (value.isTuple()) {
    for (const c10::IValue& item : value.toTupleRef().elements()) {
      items.push_back(script_value(item, path, learned));
    }
    return list_value(std::move(items), /*is_tuple=*/true);
  }
  ScriptValue result;
  result.known = value;
  result.path = path;
  result.learned = learned;
  return result;
}

ScriptValue symbol_value(int node, Shape shape) {
  ScriptValue result;
  result.symbol = std::make_shared<Symbol>();
  result.symbol->node = node;
  result.symbol->shape = std::move(shape);
  return result;
}

ScriptValue list_value(std::vector<ScriptValue> items, bool is_tuple) {
  ScriptValue result;
  result.items = std::make_shared<std::vector<ScriptValue>>(std::move(items));
  result.is_tuple = is_tuple;
  return result;
}

bool has_symbol(const ScriptValue& value) {
  if (value.symbol) return true;
  return value.items && std::any_of(value.items->begin(), value.items->end(), has_symbol);
}

bool has_stale_symbol(const ScriptValue& value) {
  if (value.symbol) return value.symbol->stale();
  return value.items && std::any_of(value.items->begin(), value.items->end(), has_stale_symbol);
}

}  // namespace fpcls
