#include "torch/script_run.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>

#include "base/text.h"
#include "torch/convert.h"
#include "torch/script_call.h"
#include "torch/script_lists.h"

namespace fpcls {
namespace {

namespace jit = torch::jit;

// Far more than any network needs; they end a program that would run for ever.
constexpr int64_t kMaxSteps = 5'000'000;
constexpr size_t kMaxDepth = 200;

bool has_modules(const c10::ClassType& type) {
  for (size_t i = 0; i < type.numAttributes(); ++i) {
    if (type.getAttribute(i)->is_module()) return true;
  }
  return false;
}

std::vector<ScriptValue> values_of(c10::ArrayRef<jit::Value*> from,
                                   const std::unordered_map<const jit::Value*, ScriptValue>& all) {
  std::vector<ScriptValue> values;
  for (const jit::Value* value : from) {
    const auto found = all.find(value);
    FPCLS_CHECK(found != all.end());
    values.push_back(found->second);
  }
  return values;
}

bool gives_tensors(const jit::Node& node) {
  return std::any_of(node.outputs().begin(), node.outputs().end(), [](const jit::Value* output) {
    return !output->type()->isSubtypeOf(*c10::NumberType::get()) &&
           output->type()->kind() != c10::TypeKind::BoolType &&
           output->type()->kind() != c10::TypeKind::StringType &&
           output->type()->kind() != c10::TypeKind::DeviceObjType &&
           !output->type()->isSubtypeOf(*c10::ListType::ofInts());
  });
}

}  // namespace

void ScriptRun::refuse(const jit::Node& node, const std::string& why) const {
  fail("layer {}: {}: {}", quoted(modules_.empty() ? "" : modules_.back().path),
       node.kind().toQualString(), why);
}

ScriptValue ScriptRun::run(const jit::Module& module) {
  jit::Function& forward = module.get_method("forward").function();
  const auto& arguments = forward.getSchema().arguments();
  if (arguments.size() < 2) fail("forward takes no picture");
  std::vector<ScriptValue> values{script_value(module._ivalue()),
                                  symbol_value(0, builder_.shape(0))};
  for (size_t i = 2; i < arguments.size(); ++i) {
    if (!arguments[i].default_value()) {
      fail("forward takes more than a picture: {} has no default", quoted(arguments[i].name()));
    }
    values.push_back(script_value(*arguments[i].default_value()));
  }
  return call(forward, std::move(values));
}

ScriptValue ScriptRun::call(jit::Function& function, std::vector<ScriptValue> arguments) {
  if (!function.isGraphFunction()) fail("{} isn't TorchScript", quoted(function.name()));
  if (modules_.size() > kMaxDepth) fail("calls are nested deeper than {}", kMaxDepth);
  function.ensure_defined();
  // Keeps the graph alive; whether it is optimised makes no difference here.
  const std::shared_ptr<jit::Graph> graph = jit::toGraphFunction(function).graph();
  if (graph->inputs().size() != arguments.size()) {
    fail("{} takes {} arguments, given {}", quoted(function.name()), graph->inputs().size(),
         arguments.size());
  }
  Module module = modules_.empty() ? Module() : modules_.back();
  if (!arguments.empty() && arguments[0].known.isObject()) {
    module = {arguments[0].path, !has_modules(*arguments[0].known.toObjectRef().type())};
  }
  modules_.push_back(module);
  Variables variables;
  for (size_t i = 0; i < arguments.size(); ++i) {
    variables[graph->inputs()[i]] = std::move(arguments[i]);
  }
  const std::vector<ScriptValue> results = run_block(*graph->block(), variables);
  modules_.pop_back();
  return results.empty() ? ScriptValue() : results[0];
}

std::vector<ScriptValue> ScriptRun::run_block(jit::Block& block, Variables& variables) {
  for (jit::Node* node : block.nodes()) run_node(*node, variables);
  return values_of(block.outputs(), variables);
}

void ScriptRun::run_node(jit::Node& node, Variables& variables) {
  if (++steps_ > kMaxSteps) refuse(node, "the program takes too many steps to end");
  if (run_control(node, variables) || run_call(node, variables)) return;
  const std::vector<ScriptValue> inputs = values_of(node.inputs(), variables);
  if (run_container(node, inputs, variables)) return;
  run_operator(node, inputs, variables);
}

bool ScriptRun::run_control(jit::Node& node, Variables& variables) {
  const auto input = [&](size_t i) -> const ScriptValue& { return variables.at(node.input(i)); };
  switch (node.kind()) {
    case c10::prim::Constant:
      // A function is named by its type, and called through that.
      if (node.output()->type()->kind() == c10::TypeKind::FunctionType) {
        variables[node.output()] = ScriptValue();
      } else {
        variables[node.output()] = script_value(*jit::toIValue(node.output()));
      }
      return true;
    case c10::prim::Uninitialized:
      variables[node.output()] = ScriptValue();
      return true;
    case c10::prim::If: {
      const ScriptValue& condition = input(0);
      if (!condition.known.isBool()) refuse(node, "which branch is taken depends on the picture");
      jit::Block& taken = *node.blocks()[condition.known.toBool() ? 0 : 1];
      const std::vector<ScriptValue> results = run_block(taken, variables);
      for (size_t i = 0; i < results.size(); ++i) variables[node.output(i)] = results[i];
      return true;
    }
    case c10::prim::Loop:
      run_loop(node, variables);
      return true;
    case c10::prim::RaiseException: {
      const ScriptValue& message = input(0);
      refuse(node, message.known.isString() ? one_line(message.known.toStringRef())
                                            : std::string("the model raises an exception"));
    }
    case c10::prim::Print:
      return true;
    default:
      return node.kind() == c10::aten::warn;
  }
}

void ScriptRun::run_loop(jit::Node& node, Variables& variables) {
  jit::Block& body = *node.blocks()[0];
  const ScriptValue& trips = variables.at(node.input(0));
  ScriptValue condition = variables.at(node.input(1));
  std::vector<ScriptValue> carried = values_of(node.inputs().slice(2), variables);
  if (!trips.known.isInt()) refuse(node, "how often it turns depends on the picture");
  const int64_t most = trips.known.toInt();
  for (int64_t trip = 0; trip < most; ++trip) {
    if (!condition.known.isBool()) refuse(node, "whether it goes on depends on the picture");
    if (!condition.known.toBool()) break;
    if (++steps_ > kMaxSteps) refuse(node, "the program takes too many steps to end");
    variables[body.inputs()[0]] = script_value(c10::IValue(trip));
    for (size_t i = 0; i < carried.size(); ++i) variables[body.inputs()[i + 1]] = carried[i];
    std::vector<ScriptValue> results = run_block(body, variables);
    condition = results.at(0);
    carried.assign(results.begin() + 1, results.end());
  }
  for (size_t i = 0; i < carried.size(); ++i) variables[node.output(i)] = carried[i];
}

bool ScriptRun::run_call(jit::Node& node, Variables& variables) {
  switch (node.kind()) {
    case c10::prim::GetAttr: {
      const ScriptValue& object = variables.at(node.input(0));
      if (!object.known.isObject()) refuse(node, "is read from something that isn't a module");
      const std::string& name = node.s(c10::attr::name);
      const std::string path = object.path.empty() ? name : object.path + "." + name;
      const c10::ivalue::Object& owner = object.known.toObjectRef();
      const bool learned = owner.type()->is_parameter(owner.type()->getAttributeSlot(name));
      variables[node.output()] = script_value(owner.getAttr(name), path, learned);
      return true;
    }
    case c10::prim::SetAttr:
      refuse(node, "the model changes its own " + quoted(node.s(c10::attr::name)));
    case c10::prim::CallMethod: {
      const ScriptValue& object = variables.at(node.input(0));
      if (!object.known.isObject()) refuse(node, "is called on something that isn't a module");
      jit::Function& method = object.known.toObjectRef().type()->getMethod(node.s(c10::attr::name));
      variables[node.output()] = call(method, values_of(node.inputs(), variables));
      return true;
    }
    case c10::prim::CallFunction: {
      jit::Function* function = node.input(0)->type()->expectRef<c10::FunctionType>().function();
      variables[node.output()] = call(*function, values_of(node.inputs().slice(1), variables));
      return true;
    }
    default:
      return false;
  }
}

bool ScriptRun::run_container(jit::Node& node, const std::vector<ScriptValue>& inputs,
                              Variables& variables) {
  switch (node.kind()) {
    case c10::prim::ListConstruct:
    case c10::prim::TupleConstruct:
      variables[node.output()] = list_value(inputs, node.kind() == c10::prim::TupleConstruct);
      return true;
    case c10::prim::ListUnpack:
    case c10::prim::TupleUnpack:
      if (!inputs[0].items || inputs[0].items->size() != node.outputs().size()) {
        refuse(node, "the number of parts isn't the expected one");
      }
      for (size_t i = 0; i < node.outputs().size(); ++i) {
        variables[node.output(i)] = (*inputs[0].items)[i];
      }
      return true;
    case c10::prim::unchecked_cast:
    case c10::prim::unchecked_unwrap_optional:
      variables[node.output()] = inputs[0];
      return true;
    default:
      break;
  }
  const std::string name = node.kind().toQualString();
  if (name == "aten::_unwrap_optional" && !inputs[0].is_none()) {
    variables[node.output()] = inputs[0];
    return true;
  }
  std::optional<ScriptValue> result =
      apply_to_list(name, inputs, [&](const std::string& why) { refuse(node, why); });
  if (!result) return false;
  if (!node.outputs().empty()) variables[node.output(0)] = std::move(*result);
  return true;
}

void ScriptRun::run_operator(jit::Node& node, const std::vector<ScriptValue>& inputs,
                             Variables& variables) {
  const bool symbolic = std::any_of(inputs.begin(), inputs.end(), has_symbol);
  if (symbolic && std::any_of(inputs.begin(), inputs.end(), has_stale_symbol)) {
    refuse(node, "reads a tensor that was changed through a view of it");
  }
  const std::string name = node.kind().toQualString();
  if (symbolic && can_translate(name)) {
    const Module& module = modules_.back();
    const ScriptCall one{node, inputs, builder_, module.path, module.is_leaf};
    variables[node.output()] = translate(one);
    return;
  }
  if (symbolic && name == "prim::device") {
    variables[node.output()] = script_value(c10::IValue(c10::Device(c10::kCPU)));
    return;
  }
  if (symbolic && gives_tensors(node)) {
    refuse(node, "a graph has no such operation; models that use it can't be imported");
  }
  const std::vector<ScriptValue> results = compute(node, inputs);
  for (size_t i = 0; i < results.size(); ++i) variables[node.output(i)] = results[i];
}

std::vector<ScriptValue> ScriptRun::compute(jit::Node& node,
                                            const std::vector<ScriptValue>& inputs) {
  if (node.maybeSchema() == nullptr && node.kind() != c10::prim::isinstance &&
      node.maybeOperator() == nullptr) {
    refuse(node, "there is no such operation in this libtorch");
  }
  if (node.hasSideEffects()) refuse(node, "does more than compute");
  const c10::FunctionSchema* schema = node.maybeSchema();
  std::vector<c10::IValue> stack;
  std::string path;
  bool learned = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto* alias = schema == nullptr || i >= schema->arguments().size()
                            ? nullptr
                            : schema->arguments()[i].alias_info();
    if (alias != nullptr && alias->isWrite() && (inputs[i].symbol || !inputs[i].path.empty())) {
      refuse(node, inputs[i].symbol
                       ? "changes what depends on the picture"
                       : "changes " + quoted(inputs[i].path) +
                             "; if it was saved in training mode, call model.eval() before saving");
    }
    if (path.empty() && inputs[i].is_tensor()) path = inputs[i].path;
    learned = learned || inputs[i].learned;
    stack.push_back(stand_in(inputs[i], node.input(i)->type()));
  }
  // Operators of any number of arguments find that number on top of them.
  if (schema != nullptr && schema->is_vararg()) {
    stack.emplace_back(static_cast<int64_t>(inputs.size()));
  }
  guarded([&] { return std::string(node.kind().toQualString()); },
          [&] { node.getOperation()(stack); });
  std::vector<ScriptValue> results;
  for (const c10::IValue& value : stack) {
    results.push_back(script_value(value, value.isTensor() ? path : "", learned));
  }
  if (results.size() != node.outputs().size()) refuse(node, "gives an unexpected result");
  return results;
}

c10::IValue ScriptRun::stand_in(const ScriptValue& value, const c10::TypePtr& type) const {
  if (value.symbol) {
    return at::empty(value.symbol->shape, at::TensorOptions(at::kMeta));
  }
  if (!value.items) return value.known;
  c10::TypePtr full = type;
  if (const auto optional = full->cast<c10::OptionalType>()) full = optional->getElementType();
  if (value.is_tuple) {
    std::vector<c10::IValue> items;
    const auto tuple = full->cast<c10::TupleType>();
    for (size_t i = 0; i < value.items->size(); ++i) {
      const bool typed = tuple && i < tuple->elements().size();
      items.push_back(
          stand_in((*value.items)[i], typed ? tuple->elements()[i] : c10::AnyType::get()));
    }
    return c10::ivalue::Tuple::create(std::move(items));
  }
  const auto list = full->cast<c10::ListType>();
  const c10::TypePtr element = list ? list->getElementType() : c10::AnyType::get();
  c10::impl::GenericList items(element);
  for (const ScriptValue& item : *value.items) items.push_back(stand_in(item, element));
  return items;
}

}  // namespace fpcls
