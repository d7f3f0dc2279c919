#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/csv.h"
#include "base/error.h"
#include "base/text.h"
#include "predictions/csv.h"

namespace fpcls {
namespace {

constexpr std::string_view kScorePrefix = "score.";

/// Which column holds the score of a stage's label.
struct ScoreColumn {
  size_t column;
  size_t stage;
  size_t label;
};

bool is_score_column(std::string_view name) {
  return name.size() > kScorePrefix.size() && name.substr(0, kScorePrefix.size()) == kScorePrefix;
}

/// The stages that columns such as `score.photo`, or `score.kind.a` and `score.kind.b`, speak of.
std::vector<StageInfo> stages_of_columns(const std::vector<std::string>& columns) {
  std::map<std::string, int> shared;  // how many columns there are for what stands before a dot
  const auto head = [](std::string_view name) {
    return std::string(name.substr(0, name.find('.')));
  };
  for (const std::string& column : columns) {
    if (is_score_column(column)) ++shared[head(column.substr(kScorePrefix.size()))];
  }
  std::vector<StageInfo> stages;
  for (const std::string& column : columns) {
    if (!is_score_column(column)) continue;
    const std::string name = to_utf8(column.substr(kScorePrefix.size()));
    const std::string first = head(name);
    const bool multi =
        first.size() + 1 < name.size() && shared[head(column.substr(kScorePrefix.size()))] > 1;
    const std::string label = multi ? name.substr(first.size() + 1) : name;
    const auto same = std::find_if(stages.begin(), stages.end(), [&](const StageInfo& s) {
      return multi && !s.binary && s.name == first;
    });
    if (same != stages.end()) {
      same->scored_labels.push_back(label);
      continue;
    }
    StageInfo stage;
    stage.name = multi ? first : name;
    stage.scored_labels = {label};
    stage.binary = !multi;
    stages.push_back(std::move(stage));
  }
  return stages;
}

class Parser {
 public:
  Parser(const std::filesystem::path& path, const std::vector<StageInfo>& stages)
      : name_(path), csv_(path, csv_separator(path)) {
    result_.run.stages = stages.empty() ? stages_of_columns(csv_.columns()) : stages;
    guess_labels_ = stages.empty();
    find_columns();
  }

  CsvPredictions parse() {
    std::vector<std::string> row;
    while (csv_.next(row)) read(row);
    if (result_.predictions.empty()) {
      fail("{}: has a header and no rows, expected at least one prediction", quoted(name_));
    }
    if (guess_labels_) drop_unknown_stages();
    finish();
    return std::move(result_);
  }

 private:
  void find_columns() {
    const auto needed = [&](const char* name) {
      const auto found = csv_.find(name);
      if (!found) {
        fail(
            "{}:1: no column {}, expected path, predicted and mostly label; rename the column in "
            "its header",
            one_line(name_.native()), quoted(name));
      }
      used_.insert(*found);
      return *found;
    };
    const auto optional = [&](const char* name) {
      const auto found = csv_.find(name);
      if (found) used_.insert(*found);
      return found;
    };
    path_ = needed("path");
    predicted_ = needed("predicted");
    label_ = optional("label");
    slice_ = optional("slice");
    sha256_ = optional("sha256");
    // Without any scores there are no stages that the column could name.
    if (!stages().empty()) stage_ = optional("stage");
    ms_ = optional("ms");
    for (size_t s = 0; s < stages().size(); ++s) find_score_columns(s);
    for (size_t i = 0; i < csv_.columns().size(); ++i) {
      if (used_.count(i) == 0) result_.ignored_columns.push_back(to_utf8(csv_.columns()[i]));
    }
  }

  void find_score_columns(size_t s) {
    const StageInfo& stage = stages()[s];
    std::vector<ScoreColumn> found;
    for (size_t k = 0; k < stage.scored_labels.size(); ++k) {
      const std::string name = std::string(kScorePrefix) + stage.name +
                               (stage.binary ? "" : "." + stage.scored_labels[k]);
      for (size_t c = 0; c < csv_.columns().size(); ++c) {
        if (to_utf8(csv_.columns()[c]) == name) found.push_back({c, s, k});
      }
    }
    // A multi-class stage with some of its columns can't be judged: its best label isn't known.
    if (found.size() != stage.scored_labels.size()) return;
    for (const ScoreColumn& column : found) used_.insert(column.column);
    scores_.insert(scores_.end(), found.begin(), found.end());
  }

  void read(const std::vector<std::string>& row) {
    Prediction p;
    p.row = static_cast<int64_t>(result_.predictions.size());
    p.path = to_utf8(row[path_]);
    if (p.path.empty()) fail("{}: the path is empty", csv_.where(path_));
    if (slice_) p.slice = to_utf8(row[*slice_]);
    refuse_twice(p);
    if (label_ && !row[*label_].empty()) p.label = to_utf8(row[*label_]);
    if (sha256_) p.sha256 = read_sha256(row[*sha256_]);
    if (ms_ && !row[*ms_].empty()) p.other_ms = read_number(row, *ms_, 1e12);
    p.predicted = to_utf8(row[predicted_]);
    if (p.predicted.empty()) {
      p.reason_code = "not_predicted";
      p.reason = "the file has no prediction";
    }
    read_scores(row, p);
    if (!stage_) {
      p.stage = stage_giving(p.predicted);
    } else if (!row[*stage_].empty()) {
      p.stage = read_stage(row[*stage_]);
    }
    result_.predictions.push_back(std::move(p));
  }

  void refuse_twice(const Prediction& p) {
    const auto [seen, fresh] = lines_.try_emplace(p.slice + '\0' + p.path, csv_.line());
    if (!fresh) {
      fail("{}: {} is there twice (first on line {}), and would count twice; remove one",
           csv_.where(path_), quoted(p.path), seen->second);
    }
  }

  std::string read_sha256(const std::string& text) const {
    const bool hex = text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (!text.empty() && (text.size() != 64 || !hex)) {
      fail("{}: {} is not a SHA-256, expected 64 hexadecimal digits or nothing",
           csv_.where(*sha256_), quoted(text));
    }
    return text;
  }

  double read_number(const std::vector<std::string>& row, size_t column, double most) const {
    const std::string& text = row[column];
    double value = -1;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size() ||
        !(value >= 0 && value <= most)) {
      fail("{}: {} is {}, expected a number {}", csv_.where(column), quoted(csv_.columns()[column]),
           quoted(text), most == 1 ? "from 0 to 1" : "of milliseconds, 0 or more");
    }
    return value;
  }

  void read_scores(const std::vector<std::string>& row, Prediction& p) const {
    for (size_t i = 0; i < scores_.size();) {
      const size_t labels = stages()[scores_[i].stage].scored_labels.size();
      StageScores scores;
      scores.stage = static_cast<int>(scores_[i].stage);
      for (size_t k = i; k < i + labels; ++k) {
        const size_t column = scores_[k].column;
        if (row[column].empty()) continue;
        scores.scores.push_back(static_cast<float>(read_number(row, column, 1)));
      }
      if (!scores.scores.empty() && scores.scores.size() != labels) {
        fail("{}: stage {} has {} scores, expected {} or none", csv_.where(scores_[i].column),
             quoted(stages()[scores_[i].stage].name), scores.scores.size(), labels);
      }
      if (!scores.scores.empty()) p.scores.push_back(std::move(scores));
      i += labels;
    }
  }

  int read_stage(const std::string& name) {
    for (size_t i = 0; i < stages().size(); ++i) {
      if (stages()[i].name == to_utf8(name)) return static_cast<int>(i);
    }
    fail("{}: no stage is named {}, expected one that has a column 'score.{}'", csv_.where(*stage_),
         quoted(name), one_line(name));
  }

  int stage_giving(const std::string& label) const {
    for (size_t i = 0; i < stages().size(); ++i) {
      const auto& labels = stages()[i].scored_labels;
      if (stages()[i].negative == label ||
          std::find(labels.begin(), labels.end(), label) != labels.end()) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }

  /// Without the cascade nobody knows what a stage's score is for unless its name is a label.
  void drop_unknown_stages() {
    std::set<std::string> labels;
    for (const Prediction& p : result_.predictions) {
      labels.insert(p.predicted);
      if (p.label) labels.insert(*p.label);
    }
    std::vector<StageInfo> kept;
    std::vector<int> place(stages().size(), -1);
    for (size_t i = 0; i < stages().size(); ++i) {
      const StageInfo& stage = stages()[i];
      const bool known = !stage.binary || labels.count(stage.name) > 0;
      if (!known) {
        result_.ignored_columns.push_back(std::string(kScorePrefix) + stage.name);
        continue;
      }
      place[i] = static_cast<int>(kept.size());
      kept.push_back(stage);
    }
    for (Prediction& p : result_.predictions) renumber(p, place);
    result_.run.stages = std::move(kept);
  }

  static void renumber(Prediction& p, const std::vector<int>& place) {
    if (p.stage >= 0) p.stage = place[static_cast<size_t>(p.stage)];
    std::vector<StageScores> kept;
    for (StageScores& scores : p.scores) {
      scores.stage = place[static_cast<size_t>(scores.stage)];
      if (scores.stage >= 0) kept.push_back(std::move(scores));
    }
    p.scores = std::move(kept);
  }

  void finish() {
    RunInfo& run = result_.run;
    run.listed = static_cast<int64_t>(result_.predictions.size());
    std::set<std::string> seen;
    for (const Prediction& p : result_.predictions) {
      if (seen.insert(p.slice).second) run.slices.push_back(p.slice);
    }
    run.all_stages = std::all_of(
        result_.predictions.begin(), result_.predictions.end(),
        [&](const Prediction& p) { return !p.decoded() || p.scores.size() == run.stages.size(); });
  }

  const std::vector<StageInfo>& stages() const { return result_.run.stages; }

  std::filesystem::path name_;
  CsvReader csv_;
  CsvPredictions result_;
  bool guess_labels_ = false;
  size_t path_ = 0, predicted_ = 0;
  std::optional<size_t> label_, slice_, sha256_, stage_, ms_;
  std::vector<ScoreColumn> scores_;  // a stage's columns stand together, in the order of its labels
  std::set<size_t> used_;
  std::unordered_map<std::string, int64_t> lines_;  // of each picture
};

}  // namespace

CsvPredictions read_predictions_csv(const std::filesystem::path& path,
                                    const std::vector<StageInfo>& stages) {
  return Parser(path, stages).parse();
}

}  // namespace fpcls
