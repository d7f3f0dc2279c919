#include "run/picture_gallery.h"

#include <fmt/format.h>

#include <atomic>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "base/threads.h"
#include "images/thumbnail.h"
#include "run/evaluation_tables.h"

namespace fpcls {
namespace {

constexpr int kThumbnailSide = 160;
constexpr int kShownPerPair = 40;
constexpr size_t kShownAtMost = 600;

Thumbnail thumbnail_of(const WantedPicture& wanted, const PictureFinder& finder) {
  const auto bytes = finder.find(wanted.path, wanted.sha256);
  if (!bytes) return {};
  auto made = make_thumbnail(*bytes, kThumbnailSide);
  auto* thumbnail = std::get_if<EncodedThumbnail>(&made);
  if (thumbnail == nullptr) return {};
  return {std::move(thumbnail->webp), thumbnail->width, thumbnail->height};
}

std::vector<const ErrorCase*> shown_errors(const Evaluation& e) {
  std::vector<const ErrorCase*> shown;
  std::map<std::pair<std::string, std::string>, int> of_pair;
  for (const ErrorCase& error : e.errors) {
    if (shown.size() == kShownAtMost) break;
    if (of_pair[{error.label, error.predicted}]++ < kShownPerPair) shown.push_back(&error);
  }
  return shown;
}

/// What the errors don't say themselves.
struct Details {
  std::string sha256;
  std::string kind;
  std::string scores;
};

std::string scores_text(const RunInfo& run, const Prediction& prediction) {
  std::string text;
  for (const StageScores& scores : prediction.scores) {
    const StageInfo& stage = run.stages.at(static_cast<size_t>(scores.stage));
    const auto best = std::max_element(scores.scores.begin(), scores.scores.end());
    text += fmt::format("{}{} {:.3f}", text.empty() ? "" : ", ", stage.name, *best);
  }
  return text;
}

std::string kind_of(const RunInfo& run, const ErrorCase& error, const Prediction& prediction) {
  if (error.stage.empty()) return "charged to no stage";
  const bool accepting = prediction.stage >= 0 &&
                         run.stages.at(static_cast<size_t>(prediction.stage)).name == error.stage;
  return accepting ? "wrongly accepted" : "wrongly passed on";
}

std::vector<Details> details_of(const RunInfo& run, const std::vector<const ErrorCase*>& shown,
                                const PredictionSource& predictions) {
  std::unordered_map<int64_t, size_t> places;
  for (size_t i = 0; i < shown.size(); ++i) places[shown[i]->row] = i;
  std::vector<Details> details(shown.size());
  predictions([&](const Prediction& prediction) {
    const auto place = places.find(prediction.row);
    if (place == places.end()) return;
    details[place->second] = {prediction.sha256, kind_of(run, *shown[place->second], prediction),
                              scores_text(run, prediction)};
  });
  return details;
}

Table errors_table(const Evaluation& e, const std::vector<const ErrorCase*>& shown,
                   const std::vector<Details>& details) {
  Column kind = text_column("kind");
  kind.own_words = OwnWords::heading_and_cells;
  Table table("errors", {text_column("path"), text_column("label", "truth"),
                         text_column("predicted"), text_column("stage"), kind,
                         ratio_column("score", "", 3), ratio_column("harm", "", 3),
                         text_column("scores", "all scores"), text_column("slice")});
  const auto decimal = [](const std::optional<float>& value) {
    return value ? Cell(as_decimal(*value)) : Cell();
  };
  for (size_t i = 0; i < shown.size(); ++i) {
    const ErrorCase& error = *shown[i];
    table.add_row({error.path, error.label, error.predicted, error.stage, details[i].kind,
                   decimal(error.score), decimal(error.harm), details[i].scores, error.slice});
  }
  const std::string all = with_thousands(static_cast<int64_t>(e.errors.size()));
  table.caption = shown.size() == e.errors.size()
                      ? fmt::format("All {} wrong answers, the most harmful first.", all)
                      : fmt::format(
                            "{} of {} wrong answers, the most harmful first: at most {} for "
                            "each truth and answer; errors.csv has them all.",
                            shown.size(), all, kShownPerPair);
  table.notes = {
      "stage, score: the stage that is charged, and its score for the label that harm is about",
      "harm: how sure the wrong decision was; the score for the wrong label that was accepted, or "
      "1 "
      "minus the score for the true label that was passed on"};
  return table;
}

}  // namespace

std::vector<Thumbnail> make_thumbnails(const std::vector<WantedPicture>& wanted,
                                       const PictureFinder& finder) {
  std::vector<Thumbnail> thumbnails(wanted.size());
  std::atomic<size_t> next{0};
  run_workers(usable_cores(), [&](int) {
    for (size_t i = next++; i < wanted.size(); i = next++) {
      thumbnails[i] = thumbnail_of(wanted[i], finder);
    }
  });
  return thumbnails;
}

Gallery error_gallery(const RunInfo& run, const Evaluation& e, const PredictionSource& predictions,
                      const PictureFinder& finder) {
  const std::vector<const ErrorCase*> shown = shown_errors(e);
  const std::vector<Details> details = details_of(run, shown, predictions);
  std::vector<WantedPicture> wanted;
  for (size_t i = 0; i < shown.size(); ++i) wanted.push_back({shown[i]->path, details[i].sha256});
  Gallery gallery{errors_table(e, shown, details),
                  make_thumbnails(wanted, finder),
                  {"label", "predicted", "stage", "kind"}};
  if (e.slices.size() > 1) gallery.filters.emplace_back("slice");
  return gallery;
}

}  // namespace fpcls
