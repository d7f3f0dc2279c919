#include "torch/script_call.h"

#include <algorithm>

#include "torch/convert.h"

namespace fpcls {

const ScriptValue& ScriptCall::argument(const char* name) const {
  static const ScriptValue none;
  const auto index = node.schema().argumentIndexWithName(name);
  return index ? inputs.at(static_cast<size_t>(*index)) : none;
}

bool ScriptCall::flag(const char* name) const {
  const ScriptValue& value = argument(name);
  if (!value.known.isBool()) refuse("{} isn't known", name);
  return value.known.toBool();
}

int64_t ScriptCall::integer(const char* name) const {
  const ScriptValue& value = argument(name);
  if (!value.known.isInt()) refuse("{} isn't a known whole number", name);
  return value.known.toInt();
}

double ScriptCall::number(const char* name) const {
  const ScriptValue& value = argument(name);
  if (value.known.isInt()) return static_cast<double>(value.known.toInt());
  if (!value.known.isDouble()) refuse("{} isn't a known number", name);
  return value.known.toDouble();
}

std::vector<int64_t> ScriptCall::integers(const char* name) const {
  const ScriptValue& value = argument(name);
  if (value.known.isInt()) return {value.known.toInt()};
  if (!value.items) refuse("{} isn't a known list", name);
  std::vector<int64_t> result;
  for (const ScriptValue& item : *value.items) {
    if (!item.known.isInt()) refuse("{} isn't a list of known whole numbers", name);
    result.push_back(item.known.toInt());
  }
  return result;
}

Pair ScriptCall::pair(const char* name) const {
  const std::vector<int64_t> values = integers(name);
  if (values.empty() || values.size() > 2) {
    refuse("{} has {} values, expected 2; only pictures with height and width can be imported",
           name, values.size());
  }
  return {values.front(), values.back()};
}

const ScriptValue& ScriptCall::symbol(const char* name) const {
  const ScriptValue& value = argument(name);
  if (!value.symbol) refuse("{} doesn't depend on the picture", name);
  return value;
}

const ScriptValue& ScriptCall::picture(const char* name) const {
  const ScriptValue& value = symbol(name);
  if (value.symbol->lifted() || value.symbol->shape.size() != 4) {
    refuse("{} is {}, expected a picture, [1, C, H, W]", name, shape_text(value.symbol->shape));
  }
  return value;
}

at::Tensor ScriptCall::weight(const char* name) const {
  const ScriptValue& value = argument(name);
  if (value.is_none()) return {};
  if (!value.is_tensor()) refuse("{} depends on the picture, expected a weight", name);
  const at::Tensor& tensor = value.known.toTensor();
  if (tensor.defined() && !(tensor.is_floating_point() && tensor.layout() == at::kStrided)) {
    refuse("{} isn't made of plain floating-point numbers", name);
  }
  return tensor;
}

int64_t ScriptCall::axis(const char* name, size_t rank) const {
  const int64_t given = integer(name);
  const auto axes = static_cast<int64_t>(rank);
  if (given < -axes || given >= axes) refuse("{} is {} of {} axes", name, given, rank);
  return given < 0 ? given + axes : given;
}

std::vector<int64_t> ScriptCall::axes(const char* name, size_t rank) const {
  const auto count = static_cast<int64_t>(rank);
  std::vector<int64_t> result = integers(name);
  for (int64_t& axis : result) {
    if (axis < -count || axis >= count) refuse("{} has {} of {} axes", name, axis, rank);
    axis += axis < 0 ? count : 0;
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::string ScriptCall::layer_name(Op op, const std::string& weight_path) const {
  // A constant is a weight of the module that uses it, not a module of its own.
  if (op == Op::affine && !weight_path.empty()) return weight_path;
  const size_t dot = weight_path.rfind('.');
  if (dot != std::string::npos) return weight_path.substr(0, dot);
  if (module_is_leaf && !module_path.empty()) return module_path;
  return (module_path.empty() ? "" : module_path + ".") + std::string(enum_name(op));
}

int ScriptCall::add_node(Op op, std::vector<int> inputs, Attributes attributes,
                         std::map<std::string, Tensor> weights,
                         const std::string& weight_path) const {
  return builder.add({op, layer_name(op, weight_path), std::move(inputs), std::move(attributes),
                      std::move(weights)});
}

}  // namespace fpcls
