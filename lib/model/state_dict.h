#pragma once

#include <filesystem>
#include <string>

#include "model/safetensors.h"

/// PyTorch's weights without PyTorch: state dicts in `.safetensors`, `.pt` and `.pth` files. A
/// `.pt` file is a pickle, which can hold any code; the reader here builds tensors and dictionaries
/// and refuses everything else by its name, never running it.
namespace fpcls {

/// The tensors of a state dict, floating ones as f32, by their names without the "module." and
/// "_orig_mod." that DataParallel and torch.compile put in front. A state dict inside a checkpoint,
/// under "state_dict", "model_state_dict" or "model", is found there. Throws Error where the file
/// is damaged, holds more than plain data, or no state dict.
TensorMap read_weights(const std::filesystem::path& path);

enum class ModelKind {
  fpcls,                ///< a model file of ours
  weights_safetensors,  ///< tensors only
  weights_pickle,       ///< torch.save of a state dict
  torchscript,          ///< torch.jit.save
};

/// What kind of model `path` holds, by its content, whatever its name. Anything else is an Error
/// that says what it seems to be and how to convert it.
ModelKind detect_model_kind(const std::filesystem::path& path);

}  // namespace fpcls
