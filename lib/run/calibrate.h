#pragma once

#include <string>
#include <vector>

#include "compress/picture_selection.h"
#include "model/calibration_file.h"
#include "report/document.h"
#include "run/bf16_switch.h"
#include "run/chosen_pictures.h"
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
  bool resume = false;
  ChosenPicturesOptions chosen;
  ForeignModelOptions foreign_model;
  int workers = 0;
  ExecutorKind executor = ExecutorKind::automatic;
  Switch bf16 = Switch::automatic;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("model", model, "Model file");
    v.group("Pictures", input);
    v.option(
        "avoid", avoid,
        "Pictures that it will be judged on: these, their copies and near copies aren't taken");
    v.option("count", count, "Pictures to calibrate with", Range<int64_t>{1, 100000});
    v.option(
        "strategy", strategy,
        "Which pictures: those that cover the pool, the middles of its clusters, those close to "
        "each other, or any");
    v.option("foreign", foreign,
             "Leave out pictures that lie farther from their neighbours than this multiple of the "
             "median; 0: none",
             Range{0.0, 1e9});
    v.option("seed", seed, "Of --strategy random, and of the sets that the choice is compared to");
    v.option("o,out", out, "Calibration file to write (.json)");
    v.option("resume", resume,
             "Go on from the journal that a killed run left beside the calibration file, if it is "
             "there");
    v.group("The choice alone", chosen);
    v.group("Models from elsewhere", foreign_model);
    v.option("workers", workers, "Pictures worked on at once; 0: one a core", Range{0, 1024});
    v.option("executor", executor, "What runs the model");
    v.option("bf16", bf16,
             "Compute in bf16; auto: where the engine runs it and the CPU is quicker so");
    v.group("Output", output);
  }
};

struct CalibrateResult {
  CalibrationFile file;
  std::vector<std::string> remarks;  ///< what the user should know, one sentence each
};

/// Throws Error, before any picture is opened, for what can't be done; later where no picture is
/// left or a layer gives NaN. The file depends on the pictures, the model and the options, not on
/// order or workers: pictures are sorted by content and run one at a time. Until the file is there,
/// what is known of each picture is in OUT.journal.
CalibrateResult run_calibrate(const CalibrateOptions& options);
/// With `flat` one table of names and values.
Document calibrate_document(const CalibrateResult& result, bool flat);

}  // namespace fpcls
