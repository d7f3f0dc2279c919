#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "predictions/prediction.h"

/// Predictions as CSV: reading those made elsewhere, by any program, and writing our own.
///
/// Columns, in any order: `path`, `predicted`; optional `label` (truth; empty: unknown), `slice`,
/// `sha256`, `stage` (that accepted), `score.<stage>` (of the stage's positive label, 0..1; of a
/// multi-class stage one `score.<stage>.<label>` for each label), `ms` (all phases together).
/// Other columns are left alone. An empty `predicted` is a picture that couldn't be judged, an
/// empty score a stage that didn't see it.
namespace fpcls {

struct CsvPredictions {
  RunInfo run;
  std::vector<Prediction> predictions;
  /// Columns that weren't used, for the caller to tell.
  std::vector<std::string> ignored_columns;
};

/// Reads a whole file. `stages` says what the scores are for, where the caller knows the cascade;
/// if it is empty, a score column's stage has its own name as its positive label, and columns whose
/// stage isn't the name of a label that occurs are ignored. Throws Error with file:line:column.
CsvPredictions read_predictions_csv(const std::filesystem::path& path,
                                    const std::vector<StageInfo>& stages = {});

/// Writes predictions.csv row by row; it appears under its name with `commit`.
class PredictionCsvWriter {
 public:
  PredictionCsvWriter(const std::filesystem::path& path, const RunInfo& run);
  void write(const Prediction& prediction);
  void commit();

 private:
  AtomicFile file_;
  RunInfo run_;
  std::string buffer_;
};

}  // namespace fpcls
