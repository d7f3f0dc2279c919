#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "metrics/evaluation.h"
#include "predictions/prediction.h"
#include "report/document.h"
#include "run/common_options.h"

/// From stored predictions to figures, without inference: judging again under other thresholds,
/// merging shards and months, comparing runs, judging what another program said.
namespace fpcls {

/// Name of the store in a folder that `evaluate --out` wrote.
constexpr const char* kStoreName = "predictions.sqlite";

struct Judged {
  RunInfo run;
  Evaluation evaluation;
};

/// Judges the predictions of one store as they were decided.
Judged judge_store(const std::filesystem::path& file);

/// The predictions of a store, opened now and read each time they are asked for.
PredictionSource stored_predictions(const std::filesystem::path& file);

/// Predictions opened for reading: stores merged, or one CSV file made elsewhere.
struct OpenedPredictions {
  RunInfo run;
  PredictionSource predictions;
  std::vector<std::string> remarks;  ///< what is left out, one line each
};
OpenedPredictions open_predictions(const std::vector<std::string>& inputs);

struct ReportOptions {
  std::vector<std::string> inputs;
  std::vector<std::string> accept;
  std::string out;
  bool force = false;
  bool side_by_side = false;
  bool csv = false;
  std::vector<std::string> choose_thresholds;
  bool fit_temperature = false;
  std::string models_out;
  std::vector<std::string> pictures;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional(
        "inputs", inputs,
        "Folders that evaluate wrote, their predictions.sqlite, or one .csv made elsewhere");
    v.option("accept", accept,
             "Judge by another threshold, such as wireframe=0.8; may be given again");
    v.option("o,out", out, "Folder for the merged predictions and the reports");
    v.option("force", force, "Replace the run that the folder holds");
    v.option("side_by_side", side_by_side, "Compare the runs instead of merging them");
    v.option("csv", csv, "Write predictions.csv as well");
    v.option("pictures", pictures,
             "Where report.html finds the pictures now, if not where the run did; may be given "
             "again");
    v.option("choose_thresholds", choose_thresholds,
             "Choose thresholds for precision=P or recall=R at every stage, STAGE.precision=P at one, "
             "funnel.recall=R at all together, on one half of the pictures, judge them on the "
             "other; may be given again");
    v.option("fit_temperature", fit_temperature,
             "Fit the temperature that makes each stage's confidence say how often it is right");
    v.option("models_out", models_out,
             "Folder for the models of the stages that got a temperature; with --fit-temperature");
    v.group("Output", output);
  }
};

struct ReportResult {
  std::vector<std::string> names;    ///< of the runs, as given
  std::vector<Judged> judged;        ///< one, or with side_by_side one for each input
  std::vector<std::string> remarks;  ///< what the answer leaves out, one line each
  std::vector<Section> validation;   ///< with side_by_side: how the later runs' scores shifted
};

ReportResult run_report(const ReportOptions& options);

}  // namespace fpcls
