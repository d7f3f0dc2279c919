#include "exec/backend.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <filesystem>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {
namespace {

constexpr const char* kModuleName = "libfpcls_torch.so";

std::filesystem::path own_folder() {
  Dl_info info{};
  FPCLS_CHECK(dladdr(reinterpret_cast<void*>(&torch_backend), &info) != 0);
  return std::filesystem::path(info.dli_fname).parent_path();
}

TorchBackend& open_module() {
  // OpenMP's threads otherwise spin while they wait for each other, which took seven times as long
  // with anything else (decoding, a second worker) on the same cores. Read when libgomp is loaded.
  setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0);
  const std::filesystem::path path = own_folder() / kModuleName;
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    fail("{}: cannot open the libtorch module: {}; reinstall fpcls, or libtorch", quoted(path),
         dlerror());
  }
  void* symbol = dlsym(module, "fpcls_torch_backend");
  if (symbol == nullptr) fail("{}: is not the libtorch module of this fpcls", quoted(path));
  return *reinterpret_cast<decltype(&fpcls_torch_backend)>(symbol)();
}

}  // namespace

TorchBackend& torch_backend() {
  static TorchBackend& backend = open_module();
  return backend;
}

std::unique_ptr<Executor> make_executor(ExecutorKind kind, const Graph& graph,
                                        const Preprocessing& preprocessing,
                                        const ExecutorOptions& options) {
  if (kind == ExecutorKind::engine) {
    fail("--executor engine: this fpcls has no engine yet; use --executor torch");
  }
  return torch_backend().make_executor(graph, preprocessing, options);
}

}  // namespace fpcls
