#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "torch/graph_builder.h"
#include "torch/script_value.h"

/// One call of an operator in a TorchScript program, with the arguments it got and where it stands.
namespace fpcls {

struct ScriptCall {
  const torch::jit::Node& node;
  const std::vector<ScriptValue>& inputs;
  GraphBuilder& builder;
  std::string module_path;  ///< of the module whose code this is
  bool module_is_leaf;      ///< it has no modules inside
  std::string op_name() const { return node.kind().toQualString(); }

  /// An argument by its name in the operator's schema; None where the operator has none of it.
  const ScriptValue& argument(const char* name) const;
  bool flag(const char* name) const;
  int64_t integer(const char* name) const;
  double number(const char* name) const;
  std::vector<int64_t> integers(const char* name) const;
  /// A pair given as two numbers or as one for both.
  Pair pair(const char* name) const;
  /// A tensor that depends on the picture.
  const ScriptValue& symbol(const char* name) const;
  /// A weight, or an undefined tensor for None.
  at::Tensor weight(const char* name) const;

  const Shape& shape_of(const ScriptValue& symbol) const {
    return builder.shape(symbol.symbol->node);
  }
  /// An axis of a tensor of `rank` axes, counted from 0 whichever end it was given from.
  int64_t axis(const char* name, size_t rank) const;

  /// Adds a node. Its name is `weight_path`'s module, or that of this module.
  ScriptValue emit(Op op, const std::vector<ScriptValue>& from, Attributes attributes = {},
                   std::map<std::string, Tensor> weights = {},
                   const std::string& weight_path = "") const;

  /// Throws an Error that says which op of which layer can't be imported, and why.
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("layer {}: {}: {}", quoted(module_path), op_name(),
         fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  std::string layer_name(Op op, const std::string& weight_path) const;
};

/// What `call`, which reads a symbol, gives, as nodes of the graph. Throws Error for an op that a
/// graph can't hold. In-place ops change the symbol they are called on.
ScriptValue translate(const ScriptCall& call);

/// Whether `translate` knows the operator.
bool can_translate(const std::string& op_name);

}  // namespace fpcls
