#pragma once

#include <ATen/core/ivalue.h>

#include <memory>
#include <string>
#include <vector>

#include "graph/tensor.h"

/// What a variable of a TorchScript program holds while the program is run symbolically: something
/// known (a number, a weight, a module) or a tensor that only exists once a picture comes.
namespace fpcls {

/// A tensor computed from the picture. An in-place op puts another node into it, which everyone
/// who holds it sees.
///
/// A graph's tensors always have the batch, of extent 1 while importing, first. The program's need
/// not: windows of attention become a batch, axes are moved before the batch. Where `shape` begins
/// with 1 and has two axes or more, the node's result has the same axes; otherwise it has one of
/// extent 1 in front of them (it is *lifted*). Where an axis of the node's result has extent 1 and
/// `shape` another, the tensor is *expanded*: the same numbers over and over.
struct Symbol {
  int node = 0;
  Shape shape;  ///< as the program sees it
  /// How often the memory was written to in place, shared by a tensor and its views.
  std::shared_ptr<int> writes = std::make_shared<int>(0);
  /// What `writes` was when `node` was right.
  int seen_writes = 0;

  bool lifted() const { return shape.size() < 2 || shape[0] != 1; }
  /// Whether a view of it was written to since, so that `node` isn't what the tensor holds.
  bool stale() const { return *writes != seen_writes; }
};

struct ScriptValue {
  c10::IValue known;  ///< unless `symbol` or `items` is set
  std::shared_ptr<Symbol> symbol;
  std::shared_ptr<std::vector<ScriptValue>> items;  ///< of a list or tuple; lists are shared
  bool is_tuple = false;
  std::string path;      ///< of a module or weight, from the top: "layer1.0.conv1.weight"
  bool learned = false;  ///< a parameter of the network, or computed from one

  bool is_none() const { return !symbol && !items && known.isNone(); }
  bool is_tensor() const { return !symbol && !items && known.isTensor(); }
};

/// `value` with lists and tuples taken apart, so that they can hold symbols.
ScriptValue script_value(const c10::IValue& value, const std::string& path = "",
                         bool learned = false);

ScriptValue symbol_value(int node, Shape shape);
ScriptValue list_value(std::vector<ScriptValue> items, bool is_tuple = false);

/// Whether `value` is or holds a symbol.
bool has_symbol(const ScriptValue& value);
/// Whether `value` is or holds a symbol that is stale.
bool has_stale_symbol(const ScriptValue& value);

}  // namespace fpcls
