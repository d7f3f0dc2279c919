#include "run/html_report.h"

#include <algorithm>

#include "base/file.h"
#include "report/render_html.h"
#include "run/evaluation_report.h"
#include "run/evaluation_tables.h"

namespace fpcls {
namespace {

Table overall_table(const Overall& overall) {
  Column interval = ratio_column("accuracy_interval", "accuracy", 3);
  interval.unit = "95 %";
  Table table("overall", {text_column("what", ""), count_column("judged", "pictures"),
                          count_column("correct", "right"), ratio_column("accuracy"), interval});
  table.add_row({"", overall.judged, overall.correct, overall.accuracy, overall.accuracy_interval});
  return table;
}

Section thresholds_section(const RunInfo& run, const Evaluation& e,
                           const PredictionSource& predictions) {
  ScoreExplorer explorer{run.stages, run.otherwise, e.confusion.labels, {}, predictions};
  explorer.tables = {overall_table(e.overall), classes_table(e.classes), funnel_table(e.funnel)};
  for (Table& table : explorer.tables) table.notes.clear();
  if (e.confusion.labels.size() <= kLabelsShown) {
    explorer.tables.push_back(confusion_table(e.confusion));
  }
  return {"Thresholds",
          {Paragraph{"Move a threshold: the tables below are judged again from the scores of this "
                     "run. What differs from the recorded answers is shown in bold."},
           explorer}};
}

/// Behind the section called `title`, or else at the end.
void insert_behind(Document& document, std::string_view title, Section section) {
  auto& sections = document.sections;
  auto at = std::find_if(sections.begin(), sections.end(),
                         [&](const Section& s) { return s.title == title; });
  if (at != sections.end()) ++at;
  sections.insert(at, std::move(section));
}

}  // namespace

Document html_document(const RunInfo& run, const Evaluation& e,
                       const PredictionSource& predictions) {
  Document document = evaluation_document(run, e);
  const bool scored = !run.stages.empty() && e.images.judged > 0;
  if (scored) insert_behind(document, "Scores", thresholds_section(run, e, predictions));
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
