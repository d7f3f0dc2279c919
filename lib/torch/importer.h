#pragma once

#include <memory>

#include "exec/importer.h"

/// Reads TorchScript files with libtorch.
namespace fpcls {

std::unique_ptr<Importer> make_torchscript_importer();

}  // namespace fpcls
