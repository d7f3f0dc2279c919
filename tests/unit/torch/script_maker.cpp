#include "unit/torch/script_maker.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <set>
#include <vector>

namespace fpcls {
namespace {

at::Tensor copied(const Tensor& tensor) {
  return at::from_blob(const_cast<float*>(tensor.data<float>()), tensor.shape()).clone();
}

/// The first name of `path` below `prefix`, or nothing where `path` isn't below it.
std::string child_of(const std::string& prefix, const std::string& path) {
  const std::string start = prefix.empty() ? "" : prefix + ".";
  if (path.rfind(start, 0) != 0 || path.size() <= start.size()) return "";
  return path.substr(start.size(), path.find('.', start.size()) - start.size());
}

torch::jit::Module make_module(const std::string& path,
                               const std::map<std::string, Tensor>& weights,
                               const std::map<std::string, std::string>& code) {
  static int count = 0;
  torch::jit::Module module("__torch__.Made" + std::to_string(count++));
  std::set<std::string> children;
  for (const auto& [name, value] : weights) {
    const std::string child = child_of(path, name);
    const std::string full = path.empty() ? child : path + "." + child;
    if (child.empty()) continue;
    if (full == name) {
      module.register_buffer(child, copied(value));
    } else {
      children.insert(child);
    }
  }
  for (const auto& [name, source] : code) {
    if (const std::string child = child_of(path, name); !child.empty()) children.insert(child);
  }
  for (const std::string& child : children) {
    const std::string full = path.empty() ? child : path + "." + child;
    module.register_module(child, make_module(full, weights, code));
  }
  module.register_attribute("training", c10::BoolType::get(), false);
  if (code.count(path) != 0) module.define(code.at(path));
  return module;
}

}  // namespace

ScriptMaker& ScriptMaker::weight(const std::string& path, const Tensor& value) {
  weights_[path] = value;
  return *this;
}

ScriptMaker& ScriptMaker::code(const std::string& path, const std::string& source) {
  code_[path] = source;
  return *this;
}

void ScriptMaker::save(const std::filesystem::path& path, bool frozen) const {
  torch::jit::Module module = make_module("", weights_, code_);
  if (frozen) module = torch::jit::freeze_module(module);
  module.save(path.string());
}

Tensor ScriptMaker::run(const std::filesystem::path& path, const Tensor& x, bool training) {
  const at::NoGradGuard no_grad;
  torch::jit::Module module = torch::jit::load(path.string());
  if (training) module.train();
  const at::Tensor y = module.forward({copied(x)}).toTensor().contiguous();
  const float* values = y.data_ptr<float>();
  return Tensor::from(y.sizes().vec(), std::vector<float>(values, values + y.numel()));
}

}  // namespace fpcls
