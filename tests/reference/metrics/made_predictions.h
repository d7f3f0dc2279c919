#pragma once

#include <vector>

#include "base/random.h"
#include "predictions/decision.h"

/// Runs and predictions made up from a seed, for tests of what judges or stores them.
namespace fpcls::made {

/// Four binary stages (the last with a negative label, Chinese names among the labels) or, for
/// `multi`, two of them and a multi-class one.
inline RunInfo run(bool multi = false, bool all_stages = true) {
  const auto stage = [](std::string name, std::vector<std::string> labels, std::string negative,
                        float accept) {
    StageInfo info;
    info.name = std::move(name);
    info.scored_labels = std::move(labels);
    info.negative = std::move(negative);
    info.accept = accept;
    info.binary = info.scored_labels.size() == 1;
    info.model_path = "models/" + info.name;
    info.model_sha256 = std::string(64, 'a');
    info.precision = "f32";
    return info;
  };
  RunInfo run;
  run.version = "0.1.0";
  run.command = {"fpcls", "evaluate"};
  run.config_json = "{}";
  run.stages = {stage("wireframe", {"wireframe"}, "", 0.5F), stage("photo", {"拍照"}, "", 0.5F)};
  if (multi) {
    run.stages.push_back(stage("kinds", {"simple", "complex", "garden"}, "", 0.4F));
  } else {
    run.stages.push_back(stage("garden", {"garden"}, "", 0.5F));
    run.stages.push_back(stage("white", {"simple"}, "complex", 0.7F));
  }
  run.slices = {"2024-06", "2024-07", "八月"};
  run.all_stages = all_stages;
  run.list_sha256 = std::string(64, 'b');
  run.started = "2024-10-01T08:00:00Z";
  run.seed = 7;
  return run;
}

/// `count` predictions that follow from their scores by the cascade's rule; some undecodable, some
/// unlabelled, some from the cache. Sets run.listed.
inline std::vector<Prediction> predictions(RunInfo& run, int64_t count, uint64_t seed) {
  const std::vector<std::string> truths = {"wireframe", "拍照",  "garden", "simple",
                                           "complex",   "other", "unheard"};
  Random random(seed);
  run.listed = count;
  std::vector<Prediction> result;
  for (int64_t row = 0; row < count; ++row) {
    Prediction p;
    p.row = row;
    p.path = "月/picture " + std::to_string(row) + ".jpg";
    p.slice = run.slices[static_cast<size_t>(random.below(3))];
    p.sha256 = std::string(60, 'c') + std::to_string(1000 + row % 9000);
    if (!random.chance(0.1)) p.label = truths[static_cast<size_t>(random.below(7))];
    p.cache = static_cast<CacheUse>(random.below(3));
    p.warnings = random.chance(0.05) ? 2 : 0;
    if (random.chance(0.03)) {
      p.reason_code = "truncated";
      p.reason = "the file ends too early";
      result.push_back(std::move(p));
      continue;
    }
    p.decode_ms = random.uniform(1, 9);
    p.resize_ms = random.uniform(0, 2);
    for (size_t s = 0; s < run.stages.size(); ++s) {
      StageScores scores;
      scores.stage = static_cast<int>(s);
      scores.ms = p.cache == CacheUse::hit ? 0 : random.uniform(1, 5);
      // Steps of 1/20 as well: they fall exactly on bounds and edges.
      for (size_t i = 0; i < run.stages[s].scored_labels.size(); ++i) {
        scores.scores.push_back(static_cast<float>(
            random.chance(0.5) ? random.uniform() : static_cast<double>(random.below(21)) / 20));
      }
      const bool accepts = accepted_label(run.stages[s], scores.scores) != nullptr;
      p.scores.push_back(std::move(scores));
      if (accepts && !run.all_stages) break;
    }
    const DecisionOrGap outcome = decide(run, p.scores);
    if (outcome.decision) {
      p.stage = outcome.decision->stage;
      p.predicted = outcome.decision->label;
    } else {  // early exit hid what comes after the stage that accepted
      p.stage = p.scores.back().stage;
      p.predicted =
          *accepted_label(run.stages[static_cast<size_t>(p.stage)], p.scores.back().scores);
    }
    result.push_back(std::move(p));
  }
  return result;
}

}  // namespace fpcls::made
