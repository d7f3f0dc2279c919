#pragma once

#include <ATen/core/ivalue.h>

#include <memory>
#include <string>
#include <vector>

/// What a variable of a TorchScript program holds while the program is run symbolically: something
/// known (a number, a weight, a module) or a tensor that only exists once a picture comes.
namespace fpcls {

/// A tensor computed from the picture. An in-place op puts another node into it, which everyone
/// who holds it sees.
struct Symbol {
  int node = 0;
  /// Held by this tensor and its views: an in-place op on one of several can't be followed.
  std::shared_ptr<char> storage = std::make_shared<char>();
};

struct ScriptValue {
  c10::IValue known;  ///< unless `symbol` or `items` is set
  std::shared_ptr<Symbol> symbol;
  std::shared_ptr<std::vector<ScriptValue>> items;  ///< of a list or tuple; lists are shared
  bool is_tuple = false;
  std::string path;  ///< of a module or weight, from the top: "layer1.0.conv1.weight"

  bool is_none() const { return !symbol && !items && known.isNone(); }
  bool is_tensor() const { return !symbol && !items && known.isTensor(); }
};

/// `value` with lists and tuples taken apart, so that they can hold symbols.
ScriptValue script_value(const c10::IValue& value, const std::string& path = "");

ScriptValue symbol_value(int node);
ScriptValue list_value(std::vector<ScriptValue> items, bool is_tuple = false);

/// Whether `value` is or holds a symbol.
bool has_symbol(const ScriptValue& value);

}  // namespace fpcls
