#pragma once

#include <memory>

#include "exec/executor.h"

namespace fpcls {

/// Runs `graph` on oneDNN. The weights are rearranged here; the graph may be dropped afterwards.
/// Throws Error naming the layer that the engine can't run.
std::unique_ptr<Executor> make_engine_executor(const Graph& graph,
                                               const Preprocessing& preprocessing,
                                               const ExecutorOptions& options);

}  // namespace fpcls
