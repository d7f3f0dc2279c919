#pragma once

#include <string>
#include <vector>

#include "compress/picture_selection.h"
#include "model/calibration_file.h"
#include "report/document.h"
#include "run/common_options.h"
#include "run/load_model.h"

/// Chooses the pictures that a model is calibrated with, and collects its layers' values on them.
namespace fpcls {

struct CalibrateOptions {
  std::string model;
  InputOptions input;
  std::vector<std::string> avoid;
  int64_t count = 512;
  SelectionStrategy strategy = SelectionStrategy::cover;
  double foreign = 4;
  uint64_t seed = 0;
  std::string out;
  ForeignModelOptions foreign_model;
  int workers = 0;
  ExecutorKind executor = ExecutorKind::automatic;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("model", model, "Model file");
    v.group("Pictures", input);
    v.option("avoid", avoid,
             "Pictures that it will be judged on: these, their copies and near copies aren't taken");
    v.option("count", count, "Pictures to calibrate with", Range<int64_t>{1, 100000});
    v.option("strategy", strategy,
             "Which pictures: those that cover the pool, those close to each other, or any");
    v.option("foreign", foreign,
             "Leave out pictures that lie farther from their neighbours than this multiple of the "
             "median; 0: none",
             Range{0.0, 1e9});
    v.option("seed", seed, "Of --strategy random, and of the sets that the choice is compared to");
    v.option("o,out", out, "Calibration file to write (.json)");
    v.group("Models from elsewhere", foreign_model);
    v.option("workers", workers, "Pictures worked on at once; 0: one a core", Range{0, 1024});
    v.option("executor", executor, "What runs the model");
    v.group("Output", output);
  }
};

struct CalibrateResult {
  CalibrationFile file;
  std::vector<std::string> remarks;  ///< what the user should know, one sentence each
};

/// Throws Error, before any picture is opened, for what can't be done; later where no picture is
/// left or a layer gives NaN. The file depends on the pictures, the model and the options, not on
/// order or workers: pictures are sorted by content and run one at a time.
CalibrateResult run_calibrate(const CalibrateOptions& options);
Document calibrate_document(const CalibrateResult& result);

}  // namespace fpcls
