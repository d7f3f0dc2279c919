#include "torch/importer.h"

#include <torch/csrc/jit/serialization/import.h>

#include "base/text.h"
#include "torch/archive.h"
#include "torch/convert.h"
#include "torch/script_run.h"

namespace fpcls {
namespace {

torch::jit::Module load(const std::filesystem::path& path) {
  try {
    torch::jit::Module module = torch::jit::load(path.string(), c10::Device(c10::kCPU));
    module.eval();
    return module;
  } catch (const std::exception& exception) {
    fail(
        "{}: cannot be read as TorchScript: {}; save the model with torch.jit.save, or, for "
        "weights alone, name their --architecture",
        quoted(path), explain(exception));
  }
}

/// The tensors among what forward gives; the first is the one that is judged.
std::vector<GraphOutput> outputs_of(const ScriptValue& result) {
  if (has_stale_symbol(result)) fail("forward gives a tensor that was changed through a view of it");
  if (result.symbol) return {{"output", result.symbol->node}};
  if (!result.items) fail("forward gives something that doesn't depend on the picture");
  std::vector<GraphOutput> outputs;
  for (const ScriptValue& item : *result.items) {
    if (!item.symbol) continue;
    outputs.push_back({fmt::format("output_{}", outputs.size()), item.symbol->node});
  }
  if (outputs.empty()) fail("forward gives no tensor that depends on the picture");
  return outputs;
}

class TorchScriptImporter : public Importer {
 public:
  Graph import_torchscript(const std::filesystem::path& path, const Shape& input_shape) override {
    check_archive(path);
    const torch::jit::Module module = load(path);
    try {
      const at::NoGradGuard no_grad;
      GraphBuilder builder(input_shape);
      return builder.finish(outputs_of(ScriptRun(builder).run(module)), "its graph");
    } catch (const std::exception& exception) {
      fail("{}: {}", quoted(path), explain(exception));
    }
  }
};

}  // namespace

std::unique_ptr<Importer> make_torchscript_importer() {
  return std::make_unique<TorchScriptImporter>();
}

}  // namespace fpcls
