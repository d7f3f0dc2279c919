#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tune/accuracy_control.h"

/// Trials on the disk, a line each, added as they end: what a kill leaves is what was done.
namespace fpcls {

class ControlJournal {
 public:
  /// Without a path it keeps nothing. Throws Error where the file is there and isn't to be gone on
  /// with, or is of something else or damaged. A last line that a kill cut off is dropped.
  explicit ControlJournal(const ControlPlan& plan);

  const std::vector<ControlTrial>& trials() const { return trials_; }
  void add(const ControlTrial& trial);

 private:
  void load(const ControlPlan& plan);

  std::filesystem::path path_;
  std::ofstream file_;
  std::vector<ControlTrial> trials_;
};

}  // namespace fpcls
