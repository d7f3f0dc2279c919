#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/file.h"
#include "report/render_markdown.h"
#include "run/evaluation_report.h"
#include "run/html_report.h"
#include "run/side_by_side.h"

namespace fpcls {
namespace {

std::vector<Evaluation> evaluations_of(const std::vector<Judged>& runs) {
  std::vector<Evaluation> evaluations;
  for (const Judged& judged : runs) evaluations.push_back(judged.evaluation);
  return evaluations;
}

/// The stages' labels of all runs, each once, in the order in which they come.
std::vector<std::pair<std::string, std::string>> curve_names(const std::vector<Judged>& runs) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const Judged& judged : runs) {
    for (const ScoreCurve& curve : judged.evaluation.curves) {
      const std::pair<std::string, std::string> name{curve.stage, curve.label};
      const bool known = std::find(names.begin(), names.end(), name) != names.end();
      if (!known && curve.images > 0) names.push_back(name);
    }
  }
  return names;
}

Plot::Series series_of(const ScoreCurve& curve, const std::string& name, size_t run, bool recall) {
  Plot::Series series;
  series.name = name;
  series.color = static_cast<int>(run);
  series.dashed = recall;
  for (int step = 0; step <= kThresholdSteps; ++step) {
    series.y.push_back(recall ? curve.recall(step) : curve.precision(step));
  }
  return series;
}

/// One chart of a stage's label: each run in its colour, recall dashed.
Plot curve_plot(const std::vector<std::string>& names, const std::vector<Judged>& runs,
                const std::pair<std::string, std::string>& of) {
  Plot plot;
  const bool same = of.second.empty() || of.second == of.first;
  plot.caption = fmt::format("Precision and recall by threshold: {}",
                             same ? of.first : of.first + ", " + of.second);
  plot.x_name = "threshold";
  for (int step = 0; step <= kThresholdSteps; ++step) {
    plot.x.push_back(static_cast<double>(step) / kThresholdSteps);
  }
  for (size_t run = 0; run < runs.size(); ++run) {
    for (const ScoreCurve& curve : runs[run].evaluation.curves) {
      if (curve.stage != of.first || curve.label != of.second) continue;
      plot.series.push_back(series_of(curve, "precision " + names[run], run, false));
      plot.series.push_back(series_of(curve, "recall " + names[run], run, true));
    }
  }
  return plot;
}

Section curves_section(const std::vector<std::string>& names, const std::vector<Judged>& runs) {
  Section section{"Thresholds",
                  {Paragraph{"Each stage on its own, whatever the stages before it took."}}};
  for (const auto& name : curve_names(runs)) {
    section.blocks.emplace_back(curve_plot(names, runs, name));
  }
  return section;
}

}  // namespace

void write_side_by_side_files(const std::filesystem::path& folder,
                              const std::vector<std::string>& names,
                              const std::vector<Judged>& runs, std::vector<Section> first) {
  Document document = side_by_side_document(names, evaluations_of(runs));
  document.sections.insert(document.sections.begin(), std::make_move_iterator(first.begin()),
                           std::make_move_iterator(first.end()));
  write_file(folder / "report.md", render_markdown(document));
  Section curves = curves_section(names, runs);
  if (curves.blocks.size() > 1) document.sections.push_back(std::move(curves));
  write_html(folder / "report.html", document);
}

}  // namespace fpcls
