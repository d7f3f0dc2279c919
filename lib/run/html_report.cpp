#include "run/html_report.h"

#include <algorithm>
#include <iterator>

#include "base/file.h"
#include "report/render_html.h"
#include "run/evaluation_report.h"
#include "run/evaluation_tables.h"
#include "run/html_charts.h"
#include "run/picture_gallery.h"

namespace fpcls {
namespace {

Table overall_table(const Overall& overall) {
  Column interval = ratio_column("accuracy_interval", "accuracy", 3);
  interval.unit = "95 %";
  Table table("overall", {count_column("judged", "pictures"), count_column("correct", "right"),
                          ratio_column("accuracy"), interval});
  table.add_row({overall.judged, overall.correct, overall.accuracy, overall.accuracy_interval});
  return table;
}

ScoreExplorer explorer_of(const RunInfo& run, const Evaluation& e,
                          const PredictionSource& predictions) {
  ScoreExplorer explorer{run.stages, run.otherwise, e.confusion.labels, {}, predictions};
  explorer.tables = {overall_table(e.overall), classes_table(e.classes), funnel_table(e.funnel)};
  for (Table& table : explorer.tables) table.notes.clear();
  if (e.confusion.labels.size() <= kLabelsShown) {
    explorer.tables.push_back(confusion_table(e.confusion));
  }
  return explorer;
}

/// Whether the scores are few enough for a page that opens at once.
bool can_be_explored(const RunInfo& run, const Evaluation& e) {
  constexpr int64_t kMostScores = 4'000'000;
  return (e.images.judged + e.images.unlabelled) * static_cast<int64_t>(run.stages.size() + 1) <=
         kMostScores;
}

Section thresholds_section(const RunInfo& run, const Evaluation& e,
                           const PredictionSource& predictions) {
  Section section{"Thresholds", {}};
  if (can_be_explored(run, e)) {
    section.blocks = {
        Paragraph{"Move a threshold: the tables below are judged again from the scores of this "
                  "run. What differs from the recorded answers is shown in bold."},
        explorer_of(run, e, predictions)};
  } else {
    section.blocks = {Paragraph{
        "So many scores would make the page slow; 'fpcls report --accept' tries thresholds."}};
  }
  section.blocks.push_back(
      Paragraph{"Each stage on its own, whatever the stages before it took. The vertical line is "
                "the threshold."});
  for (Block& plot : threshold_plots(run, e)) section.blocks.push_back(std::move(plot));
  return section;
}

Section reliability_section(const Evaluation& e) {
  Section section{
      "Reliability",
      {Paragraph{"Of the pictures with about the same score: the share whose truth is the label "
                 "that the score is for. Scores that mean what they say lie on the diagonal; the "
                 "bars are 95 % intervals."}}};
  for (Block& plot : reliability_plots(e)) section.blocks.push_back(std::move(plot));
  return section;
}

/// Behind the section called `title`, or else at the end.
void insert_behind(Document& document, std::string_view title, Section section) {
  auto& sections = document.sections;
  auto at = std::find_if(sections.begin(), sections.end(),
                         [&](const Section& s) { return s.title == title; });
  if (at != sections.end()) ++at;
  sections.insert(at, std::move(section));
}

/// At the section's beginning, if the document has it.
void add_charts(Document& document, std::string_view title, std::vector<Block> charts) {
  Section* section = document.find_section(title);
  if (section == nullptr) return;
  section->blocks.insert(section->blocks.begin(), std::make_move_iterator(charts.begin()),
                         std::make_move_iterator(charts.end()));
}

}  // namespace

Document html_document(const RunInfo& run, const Evaluation& e, const PageSources& sources) {
  Document document = evaluation_document(run, e);
  add_charts(document, "Funnel", {funnel_bars(e)});
  add_charts(document, "Slices", slice_plots(e));
  if (!e.latency.empty()) add_charts(document, "Speed", {latency_bars(e)});
  if (Section* errors = document.find_section("Wrong answers")) {
    errors->blocks = {error_gallery(run, e, sources.predictions, sources.pictures)};
  }
  if (Section* bad = document.find_section("Pictures that can't be decoded")) {
    constexpr size_t kBadImagesShown = 500;
    bad->blocks.back() = bad_images_table(e.bad_images, kBadImagesShown);
  }
  if (!run.stages.empty() && e.images.judged > 0) {
    insert_behind(document, "Scores", reliability_section(e));
    insert_behind(document, "Scores", thresholds_section(run, e, sources.predictions));
  }
  return document;
}

void write_html(const std::filesystem::path& path, const Document& document) {
  constexpr size_t kPiece = 1 << 16;
  AtomicFile file(path);
  std::string buffer;
  render_html(document, [&](std::string_view piece) {
    buffer += piece;
    if (buffer.size() < kPiece) return;
    file.write(buffer);
    buffer.clear();
  });
  file.write(buffer);
  file.commit();
}

}  // namespace fpcls
