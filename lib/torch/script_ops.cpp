#include <algorithm>
#include <unordered_map>

#include "torch/convert.h"
#include "torch/script_translators.h"

namespace fpcls {
namespace {

// --- What does nothing while judging pictures

ScriptValue same(const ScriptCall& call) { return call.inputs.at(0); }

ScriptValue dropout(const ScriptCall& call) {
  if (call.flag("train") && call.number("p") > 0) {
    call.refuse("the model was saved in training mode; call model.eval() before saving it");
  }
  return call.inputs.at(0);
}

ScriptValue clone(const ScriptCall& call) {
  const Symbol& symbol = *call.symbol("self").symbol;
  return symbol_value(symbol.node, symbol.shape);
}

ScriptValue to(const ScriptCall& call) {
  const ScriptValue& dtype = call.argument("dtype");
  const bool stays = dtype.is_none() || (dtype.known.isInt() &&
                                         dtype.known.toInt() == static_cast<int64_t>(at::kFloat));
  if (!stays) call.refuse("only 32-bit floating point is supported");
  return call.symbol("self");
}

/// zeros_like, new_zeros and the like: known already, whatever the picture.
Translator filled(bool like, double value) {
  return [like, value](const ScriptCall& call) {
    const Shape shape = like ? call.symbol("self").symbol->shape : call.integers("size");
    checked_element_count(shape, call.op_name());
    double fill = value;
    if (call.node.schema().argumentIndexWithName("fill_value")) fill = call.number("fill_value");
    return script_value(at::full(shape, fill, at::kFloat));
  };
}

const std::unordered_map<std::string, Translator>& translators() {
  static const std::unordered_map<std::string, Translator> table = [] {
    std::unordered_map<std::string, Translator> all{
        {"aten::dropout", dropout},
        {"aten::feature_dropout", dropout},
        {"aten::alpha_dropout", dropout},
        {"aten::contiguous", same},
        {"aten::detach", same},
        {"aten::alias", same},
        {"aten::clone", clone},
        {"aten::to", to},
        {"aten::type_as", same},
        {"aten::float", same},
        {"aten::zeros_like", filled(true, 0)},
        {"aten::ones_like", filled(true, 1)},
        {"aten::new_zeros", filled(false, 0)},
        {"aten::new_ones", filled(false, 1)},
        {"aten::new_full", filled(false, 0)},
        {"aten::full_like", filled(true, 0)},
    };
    for (const Translators& some : {layer_translators(), arithmetic_translators(),
                                    reduction_translators(), layout_translators()}) {
      all.insert(some.begin(), some.end());
    }
    return all;
  }();
  return table;
}

/// The op's name without the underscore that says it works in place.
std::string plain_name(const std::string& op_name) {
  const bool in_place =
      op_name.size() > 7 && op_name.back() == '_' && op_name.rfind("__") != op_name.size() - 2;
  return in_place ? op_name.substr(0, op_name.size() - 1) : op_name;
}

}  // namespace

void add_weight(Weights& weights, const char* key, const at::Tensor& tensor) {
  if (tensor.defined()) weights[key] = from_torch(tensor);
}

bool can_translate(const std::string& op_name) {
  return translators().count(plain_name(op_name)) != 0;
}

ScriptValue translate(const ScriptCall& call) {
  const std::string name = plain_name(call.op_name());
  const auto found = translators().find(name);
  FPCLS_CHECK(found != translators().end());
  ScriptValue result = found->second(call);
  if (name == call.op_name()) return result;
  const ScriptValue& target = call.inputs.at(0);
  if (!target.symbol) call.refuse("changes something that doesn't depend on the picture");
  if (result.symbol == target.symbol) return result;
  if (!result.symbol) call.refuse("puts something known into what depends on the picture");
  // Views of the same memory are stale from here on.
  Symbol& symbol = *target.symbol;
  symbol.node = result.symbol->node;
  symbol.shape = result.symbol->shape;
  symbol.seen_writes = ++*symbol.writes;
  return target;
}

}  // namespace fpcls
