#pragma once

#include <memory>

#include "exec/trainer.h"

/// Trains a graph with libtorch's autograd.
namespace fpcls {

std::unique_ptr<Trainer> make_torch_trainer(const Graph& graph, const Preprocessing& preprocessing,
                                            const TrainerOptions& options);

/// Whether this CPU multiplies bf16 in hardware (AVX-512 BF16 or AMX).
bool bf16_is_fast();

}  // namespace fpcls
