#pragma once

#include <memory>

#include "exec/executor.h"

/// Runs a graph with libtorch: the reference for everything faster, and the way onto a GPU.
namespace fpcls {

std::unique_ptr<Executor> make_torch_executor(const Graph& graph,
                                              const Preprocessing& preprocessing,
                                              const ExecutorOptions& options);

}  // namespace fpcls
