#include "run/classify.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {
namespace {

std::string score_text(const std::optional<float>& score) {
  return score ? fmt::format("{}", *score) : "";
}

const std::string& stage_name(const RunInfo& run, const Prediction& prediction) {
  static const std::string kNone;
  return prediction.stage < 0 ? kNone : run.stages[static_cast<size_t>(prediction.stage)].name;
}

/// Hands predictions on in the order of their rows; holds those that came too early.
class InOrder {
 public:
  explicit InOrder(std::function<void(const Prediction&)> next) : next_(std::move(next)) {}

  void add(Prediction&& prediction) {
    early_.emplace(prediction.row, std::move(prediction));
    for (auto first = early_.begin(); first != early_.end() && first->first == row_; ++row_) {
      next_(first->second);
      first = early_.erase(first);
    }
  }

 private:
  std::function<void(const Prediction&)> next_;
  std::map<int64_t, Prediction> early_;
  int64_t row_ = 0;
};

}  // namespace

ClassifySummary run_classify(const ClassifyOptions& options,
                             const std::function<void(const RunInfo&, const Prediction&)>& row) {
  InputOptions input = options.input;
  input.labels = LabelSource::none;  // truth is nothing to classify by
  CascadeRun run =
      prepare_cascade_run(input, options.cascade, options.runtime, "{}", {}, options.output);
  ClassifySummary summary;
  InOrder in_order([&](const Prediction& prediction) {
    ++summary.pictures;
    summary.undecodable += prediction.decoded() ? 0 : 1;
    row(run.info, prediction);
  });
  std::vector<int64_t> rows(static_cast<size_t>(run.list.size()));
  std::iota(rows.begin(), rows.end(), 0);
  classify_rows(run, rows, options.runtime, options.cache, options.output.quiet,
                [&](Prediction&& prediction) { in_order.add(std::move(prediction)); });
  if (summary.undecodable == summary.pictures) {
    fail("none of the {} pictures could be decoded; the reason of each is in its row",
         summary.pictures);
  }
  summary.too_many_bad = static_cast<double>(summary.undecodable) >
                         options.max_bad_ratio * static_cast<double>(summary.pictures);
  return summary;
}

std::optional<float> deciding_score(const RunInfo& run, const Prediction& prediction) {
  if (prediction.scores.empty()) return std::nullopt;
  const StageScores* said = &prediction.scores.back();
  for (const StageScores& s : prediction.scores) {
    if (s.stage == prediction.stage) said = &s;
  }
  const StageInfo& stage = run.stages[static_cast<size_t>(said->stage)];
  if (!stage.binary) return *std::max_element(said->scores.begin(), said->scores.end());
  const bool negative = prediction.stage == said->stage && prediction.predicted == stage.negative;
  return negative ? 1 - said->scores[0] : said->scores[0];
}

std::string classify_header_csv() { return "path,label,stage,score,reason_code\n"; }

std::string classify_row_csv(const RunInfo& run, const Prediction& prediction) {
  return fmt::format("{},{},{},{},{}\n", csv_field(prediction.path),
                     csv_field(prediction.predicted), csv_field(stage_name(run, prediction)),
                     score_text(deciding_score(run, prediction)), prediction.reason_code);
}

std::string classify_row_json(const RunInfo& run, const Prediction& prediction) {
  nlohmann::ordered_json json;
  json["path"] = prediction.path;
  if (prediction.decoded()) {
    json["label"] = prediction.predicted;
    if (prediction.stage >= 0) json["stage"] = stage_name(run, prediction);
    if (const auto score = deciding_score(run, prediction)) {
      json["score"] = std::stod(score_text(score));  // as few digits as a float32 needs
    }
  } else {
    json["reason_code"] = prediction.reason_code;
    json["reason"] = prediction.reason;
  }
  return json.dump() + "\n";
}

std::string classify_row_text(const RunInfo& run, const Prediction& prediction) {
  int label_width = display_width(run.otherwise);
  for (const StageInfo& stage : run.stages) {
    for (const std::string& label : stage.scored_labels) {
      label_width = std::max(label_width, display_width(label));
    }
    label_width = std::max(label_width, display_width(stage.negative));
  }
  const std::string path = one_line(prediction.path);
  if (!prediction.decoded()) {
    return fmt::format("{}  {}  {} ({}: {})\n", pad_right("-", label_width), pad_left("-", 6), path,
                       prediction.reason_code, prediction.reason);
  }
  const auto score = deciding_score(run, prediction);
  return fmt::format("{}  {}  {}\n", pad_right(prediction.predicted, label_width),
                     pad_left(score ? fmt::format("{:.4f}", *score) : "-", 6), path);
}

}  // namespace fpcls
