#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <map>
#include <optional>
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
  /// The same where the op needs the batch to be the first of 4 axes.
  const ScriptValue& picture(const char* name) const;
  /// A weight, or an undefined tensor for None.
  at::Tensor weight(const char* name) const;

  /// An axis of a tensor of `rank` axes, counted from 0 whichever end it was given from.
  int64_t axis(const char* name, size_t rank) const;
  /// Any number of such axes, in ascending order.
  std::vector<int64_t> axes(const char* name, size_t rank) const;

  /// Adds a node that reads `from`; all of them are lifted if one is, which moves the axes that the
  /// attributes name. The node's name is `weight_path`'s module, or that of this module.
  ScriptValue emit(Op op, const std::vector<ScriptValue>& from, Attributes attributes = {},
                   std::map<std::string, Tensor> weights = {},
                   const std::string& weight_path = "") const;
  /// The same with nodes as they are.
  int add_node(Op op, std::vector<int> inputs, Attributes attributes = {},
               std::map<std::string, Tensor> weights = {},
               const std::string& weight_path = "") const;

  // Layouts. Shapes and axes are the program's; results are views of `x`.
  ScriptValue reshaped(const ScriptValue& x, const Shape& to) const;
  ScriptValue permuted(const ScriptValue& x, const std::vector<int64_t>& axes) const;
  /// `part.axis` counts the program's axes.
  ScriptValue sliced(const ScriptValue& x, SliceAttributes part) const;
  /// Every axis of extent 1 as long as `to` has it, with more axes in front where it has more.
  ScriptValue expanded(const ScriptValue& x, const Shape& to) const;

  /// A node of the same numbers with its axes filled up to `rank` by axes of 1 in front, and that
  /// of a lifted tensor where `lifted`. Expanded axes stay of extent 1.
  int aligned_node(const ScriptValue& x, size_t rank, bool lifted) const;
  /// `node` with axes of extent 1 repeated until they are as long as `shape` has them.
  int repeated_node(int node, const Shape& shape) const;

  /// Throws an Error that says which op of which layer can't be imported, and why.
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("layer {}: {}: {}", quoted(module_path), op_name(),
         fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  std::string layer_name(Op op, const std::string& weight_path) const;
  int whole_node(const ScriptValue& x, bool lifted) const;
  int reshaped_node(int node, const Shape& shape) const;
  /// What the program sees of a node's result.
  ScriptValue seen(int node, Shape shape, bool lifted) const;
};

/// `view` as a tensor in the memory of `of`.
ScriptValue as_view(ScriptValue view, const ScriptValue& of);
/// The shape that NumPy's rule gives for two tensors, or nothing where they don't fit.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

/// What `call`, which reads a symbol, gives, as nodes of the graph. Throws Error for an op that a
/// graph can't hold. In-place ops change the symbol they are called on.
ScriptValue translate(const ScriptCall& call);

/// Whether `translate` knows the operator.
bool can_translate(const std::string& op_name);

}  // namespace fpcls
