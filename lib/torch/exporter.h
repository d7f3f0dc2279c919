#pragma once

#include <filesystem>
#include <string>

#include "graph/graph.h"

/// Writes TorchScript files with libtorch.
namespace fpcls {

/// Writes `graph` as a scripted module, whole or not at all, with `note` beside it as the extra
/// file "fpcls.json" unless it is empty. `torch.jit.load` gives what the graph computes; its state
/// dict has the graph's layer names. Throws Error naming the layer that TorchScript has no equal
/// for.
void export_torchscript(const std::filesystem::path& path, const Graph& graph,
                        const std::string& note);

}  // namespace fpcls
