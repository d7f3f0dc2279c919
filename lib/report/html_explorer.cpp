#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "base/error.h"
#include "report/html_page.h"

namespace fpcls {
namespace {

/// What the page's script is given of a picture, as little-endian floats: the index of its true
/// label (-1: unlabelled), then for each stage its score, or NaN where it never saw the picture;
/// after the score of a multi-class stage, which is its best one, the index of that label among the
/// stage's. A decision depends on nothing else.
class ScoreRecord {
 public:
  explicit ScoreRecord(const ScoreExplorer& explorer) : explorer_(explorer) {
    for (size_t i = 0; i < explorer.labels.size(); ++i) index_[explorer.labels[i]] = i;
    size_t at = 1;
    for (const StageInfo& stage : explorer.stages) {
      places_.push_back(at);
      at += stage.binary ? 1 : 2;
    }
    values_.resize(at);
  }

  std::string bytes_of(const Prediction& prediction) {
    std::fill(values_.begin(), values_.end(), std::numeric_limits<float>::quiet_NaN());
    values_[0] = prediction.label ? static_cast<float>(index_.at(*prediction.label)) : -1;
    for (const StageScores& scores : prediction.scores) {
      const size_t at = places_.at(static_cast<size_t>(scores.stage));
      const auto best = std::max_element(scores.scores.begin(), scores.scores.end());
      values_[at] = *best;
      if (explorer_.stages[static_cast<size_t>(scores.stage)].binary) continue;
      values_[at + 1] = static_cast<float>(best - scores.scores.begin());
    }
    std::string bytes;
    for (const float value : values_) {
      uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof bits);
      for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 255);
    }
    return bytes;
  }

 private:
  const ScoreExplorer& explorer_;
  std::unordered_map<std::string, size_t> index_;
  std::vector<size_t> places_;
  std::vector<float> values_;
};

int64_t label_index(const ScoreExplorer& explorer, const std::string& label) {
  const auto found = std::find(explorer.labels.begin(), explorer.labels.end(), label);
  return found == explorer.labels.end() ? -1 : found - explorer.labels.begin();
}

}  // namespace

void HtmlPage::stage_controls(const ScoreExplorer& explorer, size_t number) {
  const StageInfo& stage = explorer.stages[number];
  std::string labels;
  for (const std::string& label : stage.scored_labels) {
    const int64_t index = label_index(explorer, label);
    FPCLS_CHECK(index >= 0);
    labels += (labels.empty() ? "" : " ") + std::to_string(index);
  }
  const std::string id = next_id("stage");
  const std::string name = html_escaped(stage.name);
  write(
      fmt::format("<div class=\"stage\" data-name=\"{}\" data-labels=\"{}\" data-negative=\"{}\" "
                  "data-binary=\"{}\" data-accept=\"{}\">",
                  name, labels, stage.negative.empty() ? -1 : label_index(explorer, stage.negative),
                  stage.binary ? 1 : 0, stage.accept));
  write(fmt::format(
      "<label for=\"{0}\">{1}</label><input type=\"range\" id=\"{0}\" min=\"0\" max=\"1\" "
      "step=\"0.01\" value=\"{2}\"><input type=\"number\" min=\"0\" max=\"1\" step=\"0.01\" "
      "value=\"{2}\" aria-label=\"{1}\"></div>\n",
      id, name, stage.accept));
}

void HtmlPage::scores(const ScoreExplorer& explorer) {
  write("<script type=\"application/octet-stream\" class=\"scores\">");
  Base64Writer writer(sink_);
  ScoreRecord record(explorer);
  constexpr size_t kPiece = 1 << 15;
  std::string piece;
  explorer.predictions([&](const Prediction& prediction) {
    if (!prediction.decoded()) return;
    piece += record.bytes_of(prediction);
    if (piece.size() < kPiece) return;
    writer.write(piece);
    piece.clear();
  });
  writer.write(piece);
  writer.finish();
  write("</script>\n");
}

void HtmlPage::explorer(const ScoreExplorer& explorer) {
  write(fmt::format("<div class=\"explorer\" data-size=\"{}\" data-otherwise=\"{}\">\n",
                    explorer.labels.size(), label_index(explorer, explorer.otherwise)));
  write("<fieldset hidden><legend>" + html_words("Accept from this score on") + "</legend>\n");
  for (size_t i = 0; i < explorer.stages.size(); ++i) stage_controls(explorer, i);
  write("<p><button type=\"button\" class=\"reset\">" + html_words("as recorded") +
        "</button> <code class=\"command\"></code></p></fieldset>\n");
  write("<p class=\"gap\" role=\"status\"></p>\n");
  write("<template class=\"gap-words\">" +
        html_words("{} pictures would go on to a stage that never scored them: evaluate with "
                   "--all-stages to judge these thresholds.") +
        "</template>\n");
  for (const Table& each : explorer.tables) table(each);
  scores(explorer);
  write("</div>\n");
}

}  // namespace fpcls
