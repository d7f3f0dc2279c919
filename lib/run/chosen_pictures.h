#pragma once

#include <filesystem>
#include <string>

#include "model/calibration_file.h"

/// The pictures of a calibration for other uses: as a list, as links, as copies.
namespace fpcls {

struct ChosenPicturesOptions {
  std::string list, links, copies;

  template <class Visitor>
  void describe(Visitor& v) {
    v.option("list", list, "Also write the chosen pictures as a manifest (.csv)");
    v.option("links", links, "Also link to them from this new folder, one subfolder a label");
    v.option("copies", copies, "Also copy them into this new folder, one subfolder a label");
  }
};

/// Throws Error where something can't be written, or a folder isn't empty.
void check_chosen_pictures(const ChosenPicturesOptions& options);

/// `calibration` is where the file lies: its pictures' places are relative to its folder. Pictures
/// of the same name and label get the beginning of their SHA-256 into the name.
void export_chosen_pictures(const ChosenPicturesOptions& options, const CalibrationFile& file,
                            const std::string& calibration);

/// `file` as one finds it from the folder of `out`.
std::string relative_to(const std::filesystem::path& out, const std::filesystem::path& file);

}  // namespace fpcls
