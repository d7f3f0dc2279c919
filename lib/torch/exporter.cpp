#include "torch/exporter.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/export.h>

#include <map>

#include "base/file.h"
#include "base/text.h"
#include "torch/convert.h"
#include "torch/script_source.h"

namespace fpcls {
namespace {

/// A module being put together: its tensors, and the modules inside it in the order they came.
struct Part {
  std::vector<std::pair<std::string, const ScriptWeight*>> weights;
  std::map<std::string, Part> parts;

  void place(const ScriptWeight& weight, size_t depth = 0) {
    const std::string& name = weight.path[depth];
    if (depth + 1 == weight.path.size()) {
      weights.emplace_back(name, &weight);
    } else {
      parts[name].place(weight, depth + 1);
    }
  }
};

torch::jit::Module build(const Part& part, int& count) {
  torch::jit::Module module(fmt::format("__torch__.fpcls.Module{}", count++));
  module.register_attribute("training", c10::BoolType::get(), false);
  for (const auto& [name, weight] : part.weights) {
    module.register_parameter(name, to_torch(weight->value), !weight->is_parameter);
  }
  for (const auto& [name, inner] : part.parts) module.register_module(name, build(inner, count));
  return module;
}

}  // namespace

void export_torchscript(const std::filesystem::path& path, const Graph& graph,
                        const std::string& note) {
  AtomicFile file(path);
  guarded([&] { return quoted(path); },
          [&] {
            const ScriptSource source = script_source(graph);
            Part top;
            for (const ScriptWeight& weight : source.weights) top.place(weight);
            int count = 0;
            torch::jit::Module module = build(top, count);
            module.define(source.forward);
            const auto write = [&](const void* bytes, size_t size) {
              file.write({static_cast<const char*>(bytes), size});
              return size;
            };
            torch::jit::ExtraFilesMap extra;
            if (!note.empty()) extra["fpcls.json"] = note;
            torch::jit::ExportModule(module, write, extra);
          });
  file.commit();
}

}  // namespace fpcls
