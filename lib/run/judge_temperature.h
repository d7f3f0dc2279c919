#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/document.h"
#include "run/judge.h"

/// `report --fit-temperature`: makes the confidence of a cascade's models mean what it says.
namespace fpcls {

struct StageTemperature {
  std::string stage;
  int64_t fitted_on = 0, judged_on = 0;  ///< pictures of the two halves
  /// By which the stage's logits are to be divided once more; absent where the scores don't tell.
  std::optional<double> temperature;
  /// On the judging half, before and after: mean log loss in nats, expected calibration error in
  /// 0..1. Absent where it has no pictures.
  std::optional<double> log_loss_before, log_loss_after, error_before, error_after;
  std::string model;  ///< the file written for it; empty: none
};

/// Fits each binary stage on one half of the labelled pictures that it scored (split by SHA-256),
/// judges it on the other, and with `options.models_out` writes its model anew with the temperature
/// in its metadata. Throws Error where a stage isn't binary, no stage has labelled scores, or a
/// model's file is no longer the one that made the scores.
std::vector<StageTemperature> run_fit_temperature(const ReportOptions& options);

/// Tables by name: temperatures (one row a stage).
Document temperature_document(const std::vector<StageTemperature>& stages);
std::string temperature_json(const std::vector<StageTemperature>& stages);

}  // namespace fpcls
