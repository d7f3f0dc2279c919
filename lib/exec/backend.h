#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "exec/executor.h"
#include "exec/importer.h"
#include "exec/trainer.h"

/// Finds who can run, train and import. libtorch costs half a second and 160 MB wherever it is
/// merely linked, so what needs it lives in a shared module, `fpcls_torch`, that is opened the
/// first time it is asked for; so does the engine, `fpcls_engine`, whose threads are OpenMP's: how
/// those wait can only be said before OpenMP is loaded.
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
  /// Writes `graph` as a TorchScript file that `torch.jit.load` takes, with `note`, JSON or
  /// nothing, inside.
  /// Throws Error naming the layer that TorchScript has no equal for.
  virtual void save_torchscript(const std::filesystem::path& path, const Graph& graph,
                                const std::string& note) = 0;
  virtual std::string version() const = 0;  ///< libtorch's
  virtual bool bf16_is_fast() const = 0;    ///< whether this CPU multiplies bf16 in hardware
};

/// The libtorch module, opened on the first call. It is looked for beside the library that this
/// function is in. Throws Error naming the file where it can't be opened.
TorchBackend& torch_backend();

/// Whether the libtorch module was built and installed; opens nothing.
bool torch_is_there();

/// What the engine's module offers. Thread-safe.
class EngineBackend {
 public:
  virtual ~EngineBackend() = default;
  /// Throws Error where `refusal` isn't empty.
  virtual std::unique_ptr<Executor> make_executor(const Graph& graph,
                                                  const Preprocessing& preprocessing,
                                                  const ExecutorOptions& options) = 0;
  /// Why the engine can't run `graph` ("layer 'norm': op layer_norm"), or empty.
  virtual std::string refusal(const Graph& graph) const = 0;
  virtual std::string version() const = 0;  ///< oneDNN's
  virtual std::string isa() const = 0;      ///< the instructions that its kernels use
  virtual bool bf16_is_fast() const = 0;    ///< whether they multiply bf16
};

/// The engine, opened on the first call; as for `torch_backend`.
EngineBackend& engine_backend();

struct ExecutorChoice {
  ExecutorKind kind = ExecutorKind::engine;  ///< engine or torch
  std::string remark;  ///< why it isn't the engine, where the user would expect that; or empty
};

/// Which executor `auto` is for this graph: the engine, wherever it can run the whole of it.
ExecutorChoice choose_executor(ExecutorKind wanted, const Graph& graph,
                               const ExecutorOptions& options);

/// An executor of the wanted kind.
std::unique_ptr<Executor> make_executor(ExecutorKind kind, const Graph& graph,
                                        const Preprocessing& preprocessing,
                                        const ExecutorOptions& options);

}  // namespace fpcls

/// The one symbol that each module exports; the objects live as long as the process.
extern "C" fpcls::TorchBackend* fpcls_torch_backend();
extern "C" fpcls::EngineBackend* fpcls_engine_backend();
