#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/metadata.h"

/// What a TorchScript file says of itself beside its network: the files that `torch.jit.save` puts
/// into it with `_extra_files`. Two are understood: "fpcls.json", which `fpcls export` writes, and
/// "config.json" with the keys of timm's configurations (`input_size`, `mean`, `std`, `crop_pct`,
/// `label_names`), there or under "pretrained_cfg".
namespace fpcls {

/// Each where the file says it.
struct ScriptNotes {
  std::vector<std::string> labels;
  std::string positive;
  float temperature = 1;
  std::string architecture;
  std::optional<int> height, width;
  std::optional<Fit> fit;
  std::optional<int> resize;
  std::optional<Decode> decode;
  std::optional<std::array<float, 3>> mean, std;
  std::optional<float> accept;
};

/// Throws Error where such a file is there and can't be understood.
ScriptNotes read_script_notes(const std::filesystem::path& path);

/// The content of "fpcls.json".
std::string script_notes_text(const Metadata& metadata);

}  // namespace fpcls
