#include "exec/backend.h"

#include <torch/version.h>

#include "torch/executor.h"
#include "torch/exporter.h"
#include "torch/importer.h"
#include "torch/trainer.h"

namespace fpcls {
namespace {

class LibtorchBackend : public TorchBackend {
 public:
  std::unique_ptr<Executor> make_executor(const Graph& graph, const Preprocessing& preprocessing,
                                          const ExecutorOptions& options) override {
    return make_torch_executor(graph, preprocessing, options);
  }
  std::unique_ptr<Trainer> make_trainer(const Graph& graph, const Preprocessing& preprocessing,
                                        const TrainerOptions& options) override {
    return make_torch_trainer(graph, preprocessing, options);
  }
  std::unique_ptr<Importer> make_importer() override { return make_torchscript_importer(); }
  void save_torchscript(const std::filesystem::path& path, const Graph& graph,
                        const std::string& note) override {
    export_torchscript(path, graph, note);
  }
  std::string version() const override { return TORCH_VERSION; }
  bool bf16_is_fast() const override { return fpcls::bf16_is_fast(); }
};

}  // namespace
}  // namespace fpcls

extern "C" fpcls::TorchBackend* fpcls_torch_backend() {
  // Never destroyed: libtorch's own statics may be gone by the time that ours would be.
  static auto* backend = new fpcls::LibtorchBackend;
  return backend;
}
