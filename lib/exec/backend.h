#pragma once

#include <memory>
#include <string>

#include "exec/executor.h"
#include "exec/importer.h"
#include "exec/trainer.h"

/// Finds who can run, train and import. libtorch costs half a second and 160 MB wherever it is
/// merely linked, so what needs it lives in a shared module, `fpcls_torch`, that is opened the first
/// time it is asked for.
namespace fpcls {

enum class ExecutorKind { automatic, engine, torch };

template <>
struct EnumNames<ExecutorKind> {
  static constexpr std::pair<ExecutorKind, std::string_view> entries[] = {
      {ExecutorKind::automatic, "auto"},
      {ExecutorKind::engine, "engine"},
      {ExecutorKind::torch, "torch"}};
};

/// What the libtorch module offers. Thread-safe.
class TorchBackend {
 public:
  virtual ~TorchBackend() = default;
  virtual std::unique_ptr<Executor> make_executor(const Graph& graph,
                                                  const Preprocessing& preprocessing,
                                                  const ExecutorOptions& options) = 0;
  virtual std::unique_ptr<Trainer> make_trainer(const Graph& graph,
                                                const Preprocessing& preprocessing,
                                                const TrainerOptions& options) = 0;
  virtual std::unique_ptr<Importer> make_importer() = 0;
  virtual std::string version() const = 0;      ///< libtorch's
  virtual bool bf16_is_fast() const = 0;        ///< whether this CPU multiplies bf16 in hardware
};

/// The libtorch module, opened on the first call. It is looked for beside the library that this
/// function is in. Throws Error naming the file where it can't be opened.
TorchBackend& torch_backend();

/// An executor of the wanted kind.
std::unique_ptr<Executor> make_executor(ExecutorKind kind, const Graph& graph,
                                        const Preprocessing& preprocessing,
                                        const ExecutorOptions& options);

}  // namespace fpcls

/// The one symbol that the module exports; the object lives as long as the process.
extern "C" fpcls::TorchBackend* fpcls_torch_backend();
