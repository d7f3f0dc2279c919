#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "torch/graph_builder.h"
#include "torch/script_value.h"

/// Runs a TorchScript program once with a picture that is only a symbol. Numbers, lists, shapes and
/// weights are real, so branches, loops and arithmetic on sizes resolve themselves, whatever the
/// network; what remains are operations on the symbol, which become a graph. Calls aren't inlined:
/// the module that a call is made on is the layer's name.
namespace fpcls {

class ScriptRun {
 public:
  /// Nodes go into `builder`, which outlives the run.
  explicit ScriptRun(GraphBuilder& builder) : builder_(builder) {}

  /// What `module`'s forward gives for the graph's input.
  ScriptValue run(const torch::jit::Module& module);

 private:
  /// Variables of one function call.
  using Variables = std::unordered_map<const torch::jit::Value*, ScriptValue>;

  struct Module {
    std::string path;
    bool is_leaf = false;  ///< no modules inside
  };

  ScriptValue call(torch::jit::Function& function, std::vector<ScriptValue> arguments);
  std::vector<ScriptValue> run_block(torch::jit::Block& block, Variables& variables);
  void run_node(torch::jit::Node& node, Variables& variables);
  bool run_control(torch::jit::Node& node, Variables& variables);
  bool run_call(torch::jit::Node& node, Variables& variables);
  void run_loop(torch::jit::Node& node, Variables& variables);
  /// Constructors of lists and tuples, and what takes them apart.
  bool run_container(torch::jit::Node& node, const std::vector<ScriptValue>& inputs,
                     Variables& variables);
  void run_operator(torch::jit::Node& node, const std::vector<ScriptValue>& inputs,
                    Variables& variables);
  /// Calls libtorch's own implementation; symbols are stood in for by tensors without data.
  std::vector<ScriptValue> compute(torch::jit::Node& node, const std::vector<ScriptValue>& inputs);
  c10::IValue stand_in(const ScriptValue& value, const c10::TypePtr& type) const;
  [[noreturn]] void refuse(const torch::jit::Node& node, const std::string& why) const;

  GraphBuilder& builder_;
  std::vector<Module> modules_;  ///< whose code runs, outermost first
  int64_t steps_ = 0;
};

}  // namespace fpcls
