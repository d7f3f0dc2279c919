#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tune/training.h"

/// What a training needs to go on after a kill: a safetensors file, written whole or not at all.
namespace fpcls {

struct Checkpoint {
  std::string fingerprint;    ///< of plan and data: only the same training goes on
  std::string trainer_state;  ///< as Trainer::save_state gives it
  Graph best;
  int best_epoch = 0;
  std::vector<EpochRow> history;  ///< of the epochs that are done
};

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// None where there is no file. `initial` gives the structure of the best network. Throws Error for
/// a damaged file, or one of another training.
std::optional<Checkpoint> load_checkpoint(const std::filesystem::path& path, const Graph& initial,
                                          const std::string& fingerprint);

}  // namespace fpcls
