#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tune/pruning.h"

/// What a pruning schedule needs to go on after a kill: a model file of the network after the last
/// finished step, with the rest in its provenance.
namespace fpcls {

struct PruningJournal {
  std::string fingerprint;
  Graph graph;
  std::vector<bool> keep;
  std::vector<PruningStep> steps;
};

void save_pruning_journal(const std::filesystem::path& path, const PruningJournal& journal,
                          const Metadata& metadata);

/// None where there is no file. Throws Error for a damaged file, or one of another schedule or of a
/// network without `units` units.
std::optional<PruningJournal> load_pruning_journal(const std::filesystem::path& path,
                                                   const std::string& fingerprint, size_t units);

}  // namespace fpcls
