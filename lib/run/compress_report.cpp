#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/bars_svg.h"
#include "run/compress.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;

Json change_json(const StepChange& change) {
  return {{"shift_points", change.shift_points}, {"flips", change.flips}};
}

Json optional_ratios(const Buckets& buckets) {
  Json ratios = Json::array();
  for (const std::optional<double>& ratio : buckets.ratio) {
    if (ratio) ratios.push_back(*ratio);
  }
  return ratios;
}

Json step_json(const ChainStep& step) {
  Json json{
      {"name", step.name},
      {"model", to_utf8(step.model)},
      {"precision", step.precision},
      {"size_bytes", step.size_bytes},
      {"parameters", step.parameters},
      {"macs", step.macs},
      {"latency",
       {{"p50_ms", step.latency.p50_ms}, {"p95_ms", step.latency.p95_ms}, {"n", step.latency.n}}},
      {"memory", {{"peak_resident_bytes", step.memory.peak_resident_bytes}}},
      {"label", step.label}};
  if (step.precision_ratio) json["label_precision"] = *step.precision_ratio;
  if (step.recall_ratio) json["label_recall"] = *step.recall_ratio;
  json["buckets"] = {{"images", step.buckets.images},
                     {"at_least", kBucketBounds},
                     {"count", step.buckets.count},
                     {"ratio", optional_ratios(step.buckets)}};
  if (step.against_dense) json["against_dense"] = change_json(*step.against_dense);
  if (step.against_before) json["against_before"] = change_json(*step.against_before);
  return json;
}

Table waterfall_table(const CompressResult& result) {
  Table table("waterfall",
              {text_column("step"), bytes_column("size_bytes", "size"), count_column("parameters"),
               count_column("macs", "MACs"), ms_column("p50_ms", "p50"), ms_column("p95_ms", "p95"),
               bytes_column("peak_resident_bytes", "peak memory"), percent_column("precision"),
               percent_column("recall")});
  for (const ChainStep& s : result.steps) {
    table.add_row({s.name, s.size_bytes, s.parameters, s.macs, s.latency.p50_ms, s.latency.p95_ms,
                   s.memory.peak_resident_bytes, s.precision_ratio, s.recall_ratio});
  }
  return table;
}

std::string shifts_text(const std::optional<StepChange>& change) {
  if (!change) return "-";
  std::string text;
  for (const double points : change->shift_points) {
    text += fmt::format("{}{:+.1f}", text.empty() ? "" : " / ", points);
  }
  return text;
}

Table answers_table(const CompressResult& result) {
  Table table(
      "answers",
      {text_column("step"), percent_column("at_least_50", ">= 0.50"),
       percent_column("at_least_80", ">= 0.80"), percent_column("at_least_90", ">= 0.90"),
       percent_column("at_least_95", ">= 0.95"), text_column("shift_dense", "points against dense"),
       count_column("flips_dense", "flips"),
       text_column("shift_before", "points against the step before"),
       count_column("flips_before", "flips")});
  for (const ChainStep& s : result.steps) {
    const auto flips = [](const std::optional<StepChange>& change) {
      return change ? Cell(change->flips) : Cell();
    };
    table.add_row({s.name, s.buckets.ratio[0], s.buckets.ratio[1], s.buckets.ratio[2],
                   s.buckets.ratio[3], shifts_text(s.against_dense), flips(s.against_dense),
                   shifts_text(s.against_before), flips(s.against_before)});
  }
  return table;
}

double mega(int64_t count) { return 1e-6 * static_cast<double>(count); }

}  // namespace

Document compress_document(const CompressResult& result) {
  Table waterfall = waterfall_table(result);
  waterfall.caption = fmt::format("Precision and recall of {}, over {} pictures",
                                  result.steps[0].label, with_thousands(result.pictures));
  Document document;
  document.sections.push_back({"Waterfall", {waterfall, answers_table(result)}});
  return document;
}

std::string compress_json(const CompressResult& result) {
  Json json;
  json["schema_version"] = 1;
  json["pictures"] = result.pictures;
  json["steps"] = Json::array();
  for (const ChainStep& step : result.steps) json["steps"].push_back(step_json(step));
  return json.dump(2) + "\n";
}

std::string compress_svg(const CompressResult& result) {
  std::vector<BarPanel> panels{{"size, MB", 2, {}},
                               {"MACs, millions", 1, {}},
                               {"p50, ms", 2, {}},
                               {"peak memory, MB", 0, {}},
                               {"score for the right class >= 0.5, %", 1, {}},
                               {"score for the right class >= 0.95, %", 1, {}}};
  for (const ChainStep& s : result.steps) {
    const double values[] = {mega(s.size_bytes),
                             mega(s.macs),
                             s.latency.p50_ms,
                             mega(s.memory.peak_resident_bytes),
                             100 * s.buckets.ratio[0].value_or(0),
                             100 * s.buckets.ratio[3].value_or(0)};
    for (size_t i = 0; i < panels.size(); ++i) panels[i].bars.push_back({s.name, values[i]});
  }
  return bars_svg("From dense to " + result.steps.back().name, panels);
}

}  // namespace fpcls
