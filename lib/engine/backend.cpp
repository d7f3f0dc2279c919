#include "exec/backend.h"

#include "engine/executor.h"
#include "engine/plan.h"

namespace fpcls {
namespace {

class OneDnnBackend : public EngineBackend {
 public:
  std::unique_ptr<Executor> make_executor(const Graph& graph, const Preprocessing& preprocessing,
                                          const ExecutorOptions& options) override {
    return make_engine_executor(graph, preprocessing, options);
  }
  std::string refusal(const Graph& graph) const override { return engine_refusal(graph); }
  std::string version() const override { return engine_version(); }
  std::string isa() const override { return engine_isa(); }
  bool bf16_is_fast() const override { return multiplies_bf16(); }
};

}  // namespace
}  // namespace fpcls

extern "C" fpcls::EngineBackend* fpcls_engine_backend() {
  // Never destroyed: executors may end after static objects do.
  static auto* backend = new fpcls::OneDnnBackend;
  return backend;
}
