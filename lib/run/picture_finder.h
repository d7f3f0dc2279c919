#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "predictions/prediction.h"

/// The files that stored predictions are about. A store knows a picture by its path relative to its
/// INPUT and by its SHA-256; the file may have moved, changed or gone since.
namespace fpcls {

class PictureFinder {
 public:
  /// Where to look: INPUTs as a run takes them, relative ones from the current folder. A folder
  /// stands for what is in it, a manifest or a picture for the folder that it is in, - for the
  /// current one. None of them needs to exist.
  explicit PictureFinder(const std::vector<std::string>& inputs);
  /// Finds nothing.
  PictureFinder() = default;

  /// The bytes of the picture, or nothing where no such file has this content. Without a SHA-256
  /// the first file of that path is taken.
  std::optional<std::string> find(const std::string& path, const std::string& sha256) const;

 private:
  std::vector<std::filesystem::path> folders_;
};

/// The INPUTs that the run was given; none where it was judged elsewhere.
std::vector<std::string> recorded_inputs(const RunInfo& run);

}  // namespace fpcls
