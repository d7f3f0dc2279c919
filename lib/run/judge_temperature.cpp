#include "run/judge_temperature.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "metrics/temperature.h"
#include "model/model_file.h"
#include "model/state_dict.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A stage's labelled scores: what is fitted, and what it is judged on.
struct Halves {
  std::vector<ScoredPicture> fitting, judging;
};

std::vector<Halves> scores_by_stage(const OpenedPredictions& opened) {
  const std::vector<StageInfo>& stages = opened.run.stages;
  std::vector<Halves> halves(stages.size());
  opened.predictions([&](const Prediction& prediction) {
    if (!prediction.label || !prediction.decoded()) return;
    const std::string side =
        prediction.sha256.empty() ? sha256_hex(prediction.path) : prediction.sha256;
    for (const StageScores& scores : prediction.scores) {
      const auto at = static_cast<size_t>(scores.stage);
      const StageInfo& stage = stages[at];
      const bool positive = *prediction.label == stage.scored_labels[0];
      // A stage between two labels says nothing of a third one's pictures.
      if (!stage.negative.empty() && !positive && *prediction.label != stage.negative) continue;
      auto& half = side.back() < '8' ? halves[at].fitting : halves[at].judging;
      half.push_back({scores.scores[0], positive});
    }
  });
  return halves;
}

fs::path model_file(const std::string& folder, const StageInfo& stage) {
  return fs::path(folder) / (stage.name + ".safetensors");
}

/// Whether every model can be written is known before anything is.
void open_models_out(const RunInfo& run, const std::string& folder) {
  for (const StageInfo& stage : run.stages) {
    if (stage.model_path.empty()) {
      fail("stage {}: it isn't known which model made its scores; leave out --models-out",
           quoted(stage.name));
    }
    if (fs::path(stage.name).filename() != stage.name) {
      fail("stage {}: its name can't be a file's; give it another one", quoted(stage.name));
    }
    const fs::path file = model_file(folder, stage);
    if (fs::exists(file)) {
      fail("{}: is there already; give --models-out a new folder", quoted(file));
    }
    const std::string sha256 = sha256_of_file(stage.model_path);
    if (sha256 != stage.model_sha256) {
      fail("{}: isn't the model that made the scores of stage {} any more; evaluate it anew",
           quoted(stage.model_path), quoted(stage.name));
    }
    if (detect_model_kind(stage.model_path) != ModelKind::fpcls) {
      fail("{}: is no fpcls model, which has a place for a temperature; 'fpcls export' makes one",
           quoted(stage.model_path));
    }
  }
  make_writable_folder(folder);
}

std::string write_model(const StageInfo& stage, double temperature, const std::string& folder) {
  ModelFile model = load_model_file(stage.model_path);
  model.metadata.head.temperature =
      static_cast<float>(double{model.metadata.head.temperature} * temperature);
  model.metadata.provenance.emplace_back("temperature of", model.sha256);
  const fs::path file = model_file(folder, stage);
  save_model_file(file, model.graph, model.metadata);
  return file.string();
}

StageTemperature fit_stage(const StageInfo& stage, const Halves& halves) {
  StageTemperature result;
  result.stage = stage.name;
  result.fitted_on = static_cast<int64_t>(halves.fitting.size());
  result.judged_on = static_cast<int64_t>(halves.judging.size());
  result.temperature = fit_temperature(halves.fitting);
  if (halves.judging.empty()) return result;
  result.log_loss_before = log_loss(halves.judging, 1);
  result.error_before = calibration_error(halves.judging, 1);
  if (result.temperature) {
    result.log_loss_after = log_loss(halves.judging, *result.temperature);
    result.error_after = calibration_error(halves.judging, *result.temperature);
  }
  return result;
}

/// On pictures that it wasn't fitted on.
bool helps(const StageTemperature& s) {
  return s.temperature && s.log_loss_after && *s.log_loss_after < *s.log_loss_before;
}

}  // namespace

std::vector<StageTemperature> run_fit_temperature(const ReportOptions& options) {
  const OpenedPredictions opened = open_predictions(options.inputs);
  for (const StageInfo& stage : opened.run.stages) {
    if (!stage.binary) {
      fail("stage {}: is a multi-class model; --fit-temperature is for binary stages",
           quoted(stage.name));
    }
  }
  const std::vector<Halves> halves = scores_by_stage(opened);
  if (std::all_of(halves.begin(), halves.end(),
                  [](const Halves& h) { return h.fitting.empty() && h.judging.empty(); })) {
    fail(
        "--fit-temperature needs labelled pictures with scores, and there are none; evaluate "
        "pictures whose labels are known");
  }
  if (!options.models_out.empty()) open_models_out(opened.run, options.models_out);
  std::vector<StageTemperature> result;
  for (size_t i = 0; i < halves.size(); ++i) {
    const StageInfo& stage = opened.run.stages[i];
    result.push_back(fit_stage(stage, halves[i]));
    StageTemperature& fitted = result.back();
    if (!options.models_out.empty() && helps(fitted)) {
      fitted.model = write_model(stage, *fitted.temperature, options.models_out);
    }
  }
  return result;
}

Document temperature_document(const std::vector<StageTemperature>& stages) {
  const auto after = [](Column column, const char* unit) {
    column.unit = unit;
    return column;
  };
  Table table("temperatures",
              {text_column("stage"), count_column("fitted_on", "fitted on"),
               count_column("judged_on", "judged on"), number_column("temperature", "", 3),
               after(number_column("log_loss_before", "log loss", 4), "before"),
               after(number_column("log_loss_after", "log loss", 4), "after"),
               after(percent_column("error_before", "calibration error", 2), "before, %"),
               after(percent_column("error_after", "calibration error", 2), "after, %"),
               text_column("model")});
  for (const StageTemperature& s : stages) {
    table.add_row({s.stage, s.fitted_on, s.judged_on, s.temperature, s.log_loss_before,
                   s.log_loss_after, s.error_before, s.error_after,
                   s.temperature && !helps(s) ? "none: it doesn't help" : s.model});
  }
  table.notes = {
      "temperature: divides the logits, fitted on one half; above 1 the model was too sure",
      "log loss: of the other half; a model is written where it falls",
      "calibration error: mean distance between score and share of positives, 15 bins, other half",
      "thresholds other than 0.5 stand for other pictures afterwards: choose them anew"};
  return {"Temperature", {{"", {std::move(table)}}}};
}

std::string temperature_json(const std::vector<StageTemperature>& stages) {
  json list = json::array();
  for (const StageTemperature& s : stages) {
    json stage{{"stage", s.stage}, {"fitted_on", s.fitted_on}, {"judged_on", s.judged_on}};
    const auto add = [&](const char* name, const std::optional<double>& value) {
      if (value) stage[name] = *value;
    };
    add("temperature", s.temperature);
    add("log_loss_before", s.log_loss_before);
    add("log_loss_after", s.log_loss_after);
    add("calibration_error_before", s.error_before);
    add("calibration_error_after", s.error_after);
    if (!s.model.empty()) stage["model"] = s.model;
    list.push_back(std::move(stage));
  }
  return json{{"schema_version", 1}, {"stages", std::move(list)}}.dump(1) + "\n";
}

}  // namespace fpcls
