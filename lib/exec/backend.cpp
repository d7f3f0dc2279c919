#include "exec/backend.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <filesystem>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {
namespace {

constexpr const char* kTorchModule = "libfpcls_torch.so";

std::filesystem::path own_folder() {
  Dl_info info{};
  FPCLS_CHECK(dladdr(reinterpret_cast<void*>(&torch_backend), &info) != 0);
  return std::filesystem::path(info.dli_fname).parent_path();
}

/// The symbol `factory` of the module `file`, which needs the library `library`.
void* open_module(const char* file, const char* library, const char* factory) {
  // OpenMP's threads otherwise spin for milliseconds while they wait for each other, which took
  // seven times as long with anything else (decoding, a second worker) on the same cores. This is
  // some 20 us: enough from one layer to the next. Read once, when libgomp is loaded.
  setenv("GOMP_SPINCOUNT", "10000", /*overwrite=*/0);
  const std::filesystem::path path = own_folder() / file;
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    fail("{}: cannot open this module: {}; reinstall fpcls, or {}", quoted(path), dlerror(),
         library);
  }
  void* symbol = dlsym(module, factory);
  if (symbol == nullptr) fail("{}: is not a module of this fpcls", quoted(path));
  return symbol;
}

}  // namespace

bool torch_is_there() { return std::filesystem::exists(own_folder() / kTorchModule); }

TorchBackend& torch_backend() {
  static TorchBackend& backend = *reinterpret_cast<decltype(&fpcls_torch_backend)>(
      open_module(kTorchModule, "libtorch", "fpcls_torch_backend"))();
  return backend;
}

EngineBackend& engine_backend() {
  static EngineBackend& backend = *reinterpret_cast<decltype(&fpcls_engine_backend)>(
      open_module("libfpcls_engine.so", "oneDNN", "fpcls_engine_backend"))();
  return backend;
}

ExecutorChoice choose_executor(ExecutorKind wanted, const Graph& graph,
                               const ExecutorOptions& options) {
  if (wanted != ExecutorKind::automatic) return {wanted, ""};
  if (options.device != "cpu") return {ExecutorKind::torch, ""};
  std::string refusal = engine_backend().refusal(graph);
  if (refusal.empty()) return {ExecutorKind::engine, ""};
  return {ExecutorKind::torch, std::move(refusal)};
}

std::unique_ptr<Executor> make_executor(ExecutorKind kind, const Graph& graph,
                                        const Preprocessing& preprocessing,
                                        const ExecutorOptions& options) {
  if (choose_executor(kind, graph, options).kind == ExecutorKind::torch) {
    return torch_backend().make_executor(graph, preprocessing, options);
  }
  if (options.device != "cpu") {
    fail("--device {}: the engine runs on the CPU; use --executor torch", options.device);
  }
  return engine_backend().make_executor(graph, preprocessing, options);
}

}  // namespace fpcls
