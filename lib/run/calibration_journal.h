#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

/// The looks of a calibration on the disk, added as they end: what a kill leaves is what was done.
namespace fpcls {

/// What one look at one picture gave.
struct PictureLook {
  std::string taken_for;        ///< by the model: "score 3", or a label
  std::vector<float> features;  ///< few numbers, see `FeatureTable`
  std::vector<float> extremes;  ///< each observed result's largest magnitude
  std::string kept;             ///< histograms and logits, packed; may be empty
};

/// A file of records, each with its length and a checksum. Any number of threads may `add`.
class CalibrationJournal {
 public:
  /// Keeps nothing.
  CalibrationJournal() = default;
  /// `of` identifies model, preprocessing and executor; the looks have `features` and `extremes`
  /// numbers. Throws Error where the file is there and `resume` isn't set, or is no journal or that
  /// of something else, or is damaged. What a kill cut off at its end is dropped.
  CalibrationJournal(std::filesystem::path path, const std::string& of, size_t features,
                     size_t extremes, bool resume);

  /// By the pictures' SHA-256. Handed over: they are gone afterwards.
  std::map<std::string, PictureLook> take_known() { return std::move(known_); }
  void add(const std::string& sha256, const PictureLook& look);
  /// Deletes the file: the calibration is written.
  void finish();

 private:
  void load(const std::string& head, size_t features, size_t extremes);

  std::filesystem::path path_;
  std::ofstream file_;
  std::mutex mutex_;
  std::map<std::string, PictureLook> known_;
};

}  // namespace fpcls
