#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/histogram.h"
#include "graph/preprocessing.h"

/// What `calibrate` found out and `quantize` works from: which pictures stand for all, and how
/// often each layer's results had which size on them. JSON with a schema version; the same
/// pictures, model and options give the same bytes.
namespace fpcls {

struct CalibrationPicture {
  std::string path;  ///< relative to its INPUT
  std::string file;  ///< where it lay, relative to the calibration file's folder
  std::string slice;
  std::optional<std::string> label;
  std::string sha256;  ///< of the file
  /// What the model gave for it, {outputs}; empty where there are too many to keep.
  std::vector<float> logits;
};

struct CalibrationTensor {
  std::string layer;  ///< whose result it is, after fusing
  Histogram values;
};

struct CalibrationFile {
  std::string command;  ///< the options that decide the content
  std::string version;  ///< of fpcls
  std::string model_sha256;
  std::string preprocessing_sha256;
  std::string executor;  ///< "engine" or "torch": what computed, and which results it fused away
  std::string float_type = "f32";  ///< or "bf16": what it computed in
  int64_t seed = 0;
  std::vector<CalibrationPicture> pictures;  ///< sorted by sha256
  std::vector<CalibrationTensor> tensors;    ///< in the order of execution
  /// Figures that say how good the choice is, as names and values.
  std::vector<std::pair<std::string, double>> certificate;
};

/// Most logits that a file keeps.
constexpr int64_t kMostLogits = int64_t{1} << 20;

/// Identifies a preprocessing: all of its fields count.
std::string preprocessing_sha256(const Preprocessing& preprocessing);

void save_calibration_file(const std::filesystem::path& path, const CalibrationFile& file);

/// Throws Error where the file is none, truncated, damaged (counts that don't add up), or of a
/// newer fpcls.
CalibrationFile load_calibration_file(const std::filesystem::path& path);

/// Throws Error, naming `where`, unless the calibration is of this model and preprocessing.
void check_calibration(const CalibrationFile& file, const std::string& model_sha256,
                       const Preprocessing& preprocessing, const std::string& where);

}  // namespace fpcls
