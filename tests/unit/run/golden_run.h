#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "metrics/evaluation.h"
#include "predictions/prediction.h"
#include "report/document.h"

/// Runs made by hand, for the tests of what reports say about them.
namespace fpcls {

/// The five stages of the floor-plan cascade over two slices.
inline RunInfo floorplan_run() {
  RunInfo run;
  run.version = "0.1.0";
  run.command = {"fpcls", "evaluate", "2024-06"};
  run.config_json = R"({"workers":2})";
  for (const char* name : {"wireframe", "satellite", "photo", "garden"}) {
    run.stages.push_back({name, {name}, "", 0.5F, true, "models/m.safetensors", "ab12", "f32"});
  }
  run.stages.push_back({"white", {"simple"}, "complex", 0.7F, true, "models/w.pt", "cd34", "f32"});
  run.slices = {"2024-06", "2024-07"};
  run.cpu = "Xeon";
  run.threads = run.workers = 2;
  run.started = "2024-10-01T00:00:00Z";
  run.seed = 7;
  run.wall_s = 10;
  run.peak_rss_bytes = 123456789;
  return run;
}

/// What the cascade would say of a picture: 0.9 for what it predicts, 0.01 before.
inline Prediction decided(int64_t row, const RunInfo& run, const std::string& truth,
                          const std::string& predicted) {
  Prediction p;
  p.row = row;
  p.path = "pictures/" + std::to_string(row) + ".jpg";
  p.slice = run.slices[static_cast<size_t>(row) % run.slices.size()];
  p.label = truth;
  p.predicted = predicted;
  p.decode_ms = 2;
  p.resize_ms = 1;
  for (size_t stage = 0; stage < run.stages.size() && p.stage < 0; ++stage) {
    const StageInfo& info = run.stages[stage];
    const bool positive = info.scored_labels[0] == predicted;
    p.scores.push_back({static_cast<int>(stage), {positive ? 0.9F : 0.01F}, 5});
    if (positive || info.negative == predicted) p.stage = static_cast<int>(stage);
  }
  return p;
}

inline Prediction undecodable(int64_t row) {
  Prediction p;
  p.row = row;
  p.path = "bad/线框, \"" + std::to_string(row) + "\".jpg";
  p.slice = "2024-06";
  p.reason_code = "truncated";
  p.reason = "ends after 12 of 40 rows";
  return p;
}

/// 7,333 pairs of truth and prediction whose acceptance table is that of the floor-plan
/// classifier's version 2.0: for each class its right answers, then the missed pictures of all
/// classes, and 36 of truth "other", under the labels that were wrong.
inline std::vector<std::pair<std::string, std::string>> golden_pairs() {
  struct Row {
    const char* label;
    int predicted, fp, fn;
  };
  constexpr Row kRows[] = {{"wireframe", 270, 17, 6}, {"satellite", 122, 3, 1},
                           {"photo", 216, 0, 7},      {"simple", 5229, 29, 0},
                           {"complex", 1479, 2, 1},   {"garden", 17, 1, 1}};
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<std::string> missed, wrong;
  for (const Row& row : kRows) {
    for (int i = 0; i < row.predicted - row.fp; ++i) pairs.emplace_back(row.label, row.label);
    for (int i = 0; i < row.fn; ++i) missed.emplace_back(row.label);
    for (int i = 0; i < row.fp; ++i) wrong.emplace_back(row.label);
  }
  while (missed.size() < wrong.size()) missed.emplace_back("other");
  // Turned so far that no missed picture meets its own label.
  constexpr size_t kTurn = 20;
  for (size_t i = 0; i < wrong.size(); ++i) {
    pairs.emplace_back(missed[i], wrong[(i + kTurn) % wrong.size()]);
  }
  return pairs;
}

/// Those pairs as predictions, as often as asked.
inline PredictionSource golden_predictions(const RunInfo& run) {
  return [run](const auto& use) {
    int64_t row = 0;
    for (const auto& [truth, predicted] : golden_pairs()) {
      use(decided(row++, run, truth, predicted));
    }
  };
}

inline Evaluation golden_evaluation(const RunInfo& run) {
  EvaluationAccumulator accumulator(run);
  golden_predictions(run)([&](const Prediction& p) { accumulator.add(p); });
  return accumulator.result();
}

}  // namespace fpcls
