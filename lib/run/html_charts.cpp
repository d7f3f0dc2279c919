#include "run/html_charts.h"

#include <fmt/format.h>

#include <algorithm>

#include "run/evaluation_tables.h"

namespace fpcls {
namespace {

constexpr size_t kMostLines = 8;

using Ratio = std::optional<double>;

/// The curves of each stage that scored anything, by the stage's place.
std::vector<std::vector<const ScoreCurve*>> curves_by_stage(const RunInfo& run,
                                                            const Evaluation& e) {
  std::vector<std::vector<const ScoreCurve*>> found(run.stages.size());
  for (const ScoreCurve& curve : e.curves) {
    if (curve.images == 0) continue;
    for (size_t i = 0; i < run.stages.size(); ++i) {
      if (run.stages[i].name == curve.stage) found[i].push_back(&curve);
    }
  }
  return found;
}

Plot::Series curve_series(const ScoreCurve& curve, Ratio (ScoreCurve::*ratio)(int) const) {
  Plot::Series series;
  for (int step = 0; step <= kThresholdSteps; ++step) series.y.push_back((curve.*ratio)(step));
  return series;
}

Ratio class_ratio(const SliceMetrics& slice, const std::string& label, Ratio ClassMetrics::*ratio) {
  for (const ClassMetrics& c : slice.classes) {
    if (c.label == label) return c.*ratio;
  }
  return std::nullopt;
}

Plot over_slices(const Evaluation& e, const char* caption) {
  Plot plot;
  plot.caption = caption;
  plot.x_name = "slice";
  for (const SliceMetrics& slice : e.slices) plot.ticks.push_back(slice.name);
  return plot;
}

Plot class_plot(const Evaluation& e, const char* caption, Ratio ClassMetrics::*ratio) {
  Plot plot = over_slices(e, caption);
  plot.series_are_data = true;
  for (size_t i = 0; i < e.classes.size(); ++i) {
    Plot::Series series;
    series.name = e.classes[i].label;
    series.color = static_cast<int>(i);
    for (const SliceMetrics& slice : e.slices) {
      series.y.push_back(class_ratio(slice, series.name, ratio));
    }
    plot.series.push_back(series);
  }
  return plot;
}

}  // namespace

std::vector<Block> threshold_plots(const RunInfo& run, const Evaluation& e) {
  std::vector<Block> plots;
  const auto by_stage = curves_by_stage(run, e);
  for (size_t i = 0; i < by_stage.size(); ++i) {
    if (by_stage[i].empty()) continue;
    Plot plot;
    plot.caption = fmt::format("Precision and recall by threshold: {}", run.stages[i].name);
    plot.x_name = "threshold";
    for (int step = 0; step <= kThresholdSteps; ++step) {
      plot.x.push_back(static_cast<double>(step) / kThresholdSteps);
    }
    for (size_t c = 0; c < by_stage[i].size(); ++c) {
      const ScoreCurve& curve = *by_stage[i][c];
      const std::string of = by_stage[i].size() > 1 ? " " + curve.label : "";
      for (const bool recall : {false, true}) {
        plot.series.push_back(
            curve_series(curve, recall ? &ScoreCurve::recall : &ScoreCurve::precision));
        plot.series.back().name = (recall ? "recall" : "precision") + of;
        plot.series.back().color = static_cast<int>(c);
        plot.series.back().dashed = recall;
      }
    }
    plot.mark = Mark{run.stages[i].name, as_decimal(run.stages[i].accept)};
    plots.emplace_back(std::move(plot));
  }
  return plots;
}

std::vector<Block> reliability_plots(const Evaluation& e) {
  std::vector<Block> plots;
  for (const ScoreCurve& curve : e.curves) {
    if (!curve.calibration_error) continue;
    Plot plot;
    plot.caption = fmt::format("{}: expected calibration error {:.3f}",
                               curve.label.empty() || curve.label == curve.stage
                                   ? curve.stage
                                   : curve.stage + ", " + curve.label,
                               *curve.calibration_error);
    plot.x_name = "mean score";
    plot.diagonal = true;
    Plot::Series series;
    series.name = "share that is right";
    for (const ScoreCurve::Bin& bin : curve.bins) {
      if (bin.images == 0) continue;
      plot.x.push_back(*bin.mean_score);
      series.y.push_back(bin.right_ratio);
      series.interval.push_back(bin.right_interval);
    }
    plot.series = {series};
    plots.emplace_back(std::move(plot));
  }
  return plots;
}

Bars funnel_bars(const Evaluation& e) {
  Bars bars;
  bars.caption = "What became of the pictures that entered";
  bars.parts = {"accepted", "wrongly accepted", "passed on", "wrongly passed on"};
  bars.colors = {0, 1, 7, 5};  // what went right in calm colours, what went wrong in warm ones
  bars.stacked = true;
  for (const FunnelStage& f : e.funnel) {
    const int64_t passed_on = f.entered - f.accepted;
    bars.rows.push_back({f.stage,
                         {static_cast<double>(f.accepted - f.wrongly_accepted),
                          static_cast<double>(f.wrongly_accepted),
                          static_cast<double>(passed_on - f.wrongly_passed_on),
                          static_cast<double>(f.wrongly_passed_on)}});
  }
  return bars;
}

Bars latency_bars(const Evaluation& e) {
  Bars bars;
  bars.caption = "Milliseconds of one picture by phase";
  bars.parts = {"p50", "p95", "p99"};
  bars.digits = 2;
  bars.unit = "ms";
  for (const PhaseLatency& l : e.latency) {
    bars.rows.push_back({l.phase, {l.p50_ms, l.p95_ms, l.p99_ms}});
  }
  return bars;
}

std::vector<Block> slice_plots(const Evaluation& e) {
  Plot accuracy = over_slices(e, "Accuracy by slice");
  Plot::Series series;
  series.name = "accuracy";
  for (const SliceMetrics& slice : e.slices) {
    series.y.push_back(slice.overall.accuracy);
    series.interval.push_back(slice.overall.accuracy_interval);
  }
  accuracy.series = {series};
  std::vector<Block> plots = {accuracy};
  if (e.classes.size() > kMostLines) return plots;
  plots.emplace_back(class_plot(e, "Precision by slice", &ClassMetrics::precision));
  plots.emplace_back(class_plot(e, "Recall by slice", &ClassMetrics::recall));
  return plots;
}

}  // namespace fpcls
