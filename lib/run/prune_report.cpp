#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "run/prune.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;

double ratio_of(int64_t before, int64_t after) {
  return 1 - static_cast<double>(after) / static_cast<double>(before);
}

Json costs_json(const ModelCosts& costs, const std::optional<double>& latency_ms = {}) {
  Json json = {{"parameters", costs.parameters},
               {"macs", costs.macs},
               {"channels", costs.channels},
               {"size_bytes", costs.size_bytes}};
  if (latency_ms) json["latency_ms"] = *latency_ms;
  return json;
}

Json figures_json(const ValidationFigures& figures) {
  return {{"loss", figures.loss},
          {"accuracy", figures.accuracy},
          {"balanced_accuracy", figures.balanced_accuracy},
          {"at_least", kBucketBounds},
          {"ratio", figures.at_least_ratio}};
}

Json training_json(const PruningResult& trained) {
  Json json;
  json["dense"] = figures_json(trained.dense);
  json["steps"] = Json::array();
  for (const PruningStep& step : trained.steps) {
    json["steps"].push_back({{"step", step.step},
                             {"ratio", step.ratio},
                             {"costs", costs_json(step.costs)},
                             {"cut", figures_json(step.cut)},
                             {"trained", figures_json(step.trained)}});
  }
  json["best_epoch"] = trained.best_epoch;
  return json;
}

Table training_table(const PruningResult& trained) {
  Table table(
      "steps",
      {text_column("step"), percent_column("ratio", "removed"), number_column("loss", "loss", 4),
       percent_column("balanced_accuracy", "balanced accuracy"),
       percent_column("at_least_50", ">= 0.50"), percent_column("at_least_80", ">= 0.80"),
       percent_column("at_least_90", ">= 0.90"), percent_column("at_least_95", ">= 0.95")});
  const auto add = [&](const std::string& name, Cell ratio, const ValidationFigures& v) {
    table.add_row({name, std::move(ratio), v.loss, v.balanced_accuracy, v.at_least_ratio[0],
                   v.at_least_ratio[1], v.at_least_ratio[2], v.at_least_ratio[3]});
  };
  add("before", Cell(), trained.dense);
  for (const PruningStep& step : trained.steps) {
    add(fmt::format("{} cut", step.step), step.ratio, step.cut);
    add(fmt::format("{} trained", step.step), step.ratio, step.trained);
  }
  return table;
}

Json model_json(const PrunedModel& model) {
  Json json;
  json["remove"] = {{"unit", enum_name(model.goal.unit)}, {"ratio", model.goal.ratio}};
  if (!model.out.empty()) json["model"] = to_utf8(model.out);
  json["before"] = costs_json(model.before, model.latency_before_ms);
  json["after"] = costs_json(model.after, model.latency_after_ms);
  json["layers"] = Json::array();
  for (const PrunedLayer& layer : model.layers) {
    json["layers"].push_back({{"name", layer.name},
                              {"channels_before", layer.channels_before},
                              {"channels_after", layer.channels_after}});
  }
  json["inexact"] = model.inexact;
  if (model.shift_points) json["shift_points"] = *model.shift_points;
  if (model.trained) json["training"] = training_json(*model.trained);
  return json;
}

Table costs_table(const PrunedModel& model) {
  Table table("costs", {text_column("what"), text_column("before"), text_column("after"),
                        percent_column("removed", "removed", 2)});
  const auto add = [&](const char* what, int64_t before, int64_t after) {
    table.add_row({what, with_thousands(before), with_thousands(after), ratio_of(before, after)});
  };
  add("parameters", model.before.parameters, model.after.parameters);
  add("MACs", model.before.macs, model.after.macs);
  add("channels", model.before.channels, model.after.channels);
  add("bytes of weights", model.before.size_bytes, model.after.size_bytes);
  if (model.latency_before_ms && model.latency_after_ms) {
    table.add_row({"ms a picture, measured here", fmt::format("{:.2f}", *model.latency_before_ms),
                   fmt::format("{:.2f}", *model.latency_after_ms),
                   1 - *model.latency_after_ms / *model.latency_before_ms});
  }
  return table;
}

Table layer_table(const PrunedModel& model) {
  Table table("layers", {text_column("name"), count_column("channels_before", "channels before"),
                         count_column("channels_after", "channels after")});
  for (const PrunedLayer& layer : model.layers) {
    table.add_row({layer.name, layer.channels_before, layer.channels_after});
  }
  return table;
}

Table curve_table(const std::vector<PrunedModel>& models) {
  Table table("curve", {text_column("remove"), count_column("parameters"),
                        percent_column("parameters_removed", "removed", 2),
                        count_column("macs", "MACs"), percent_column("macs_removed", "removed", 2),
                        count_column("channels"), percent_column("channels_removed", "removed", 2),
                        bytes_column("size_bytes", "size"), number_column("latency_ms", "ms", 2),
                        percent_column("latency_removed", "removed", 2)});
  for (const PrunedModel& m : models) {
    table.add_row(
        {fmt::format("{}={}", enum_name(m.goal.unit), m.goal.ratio), m.after.parameters,
         ratio_of(m.before.parameters, m.after.parameters), m.after.macs,
         ratio_of(m.before.macs, m.after.macs), m.after.channels,
         ratio_of(m.before.channels, m.after.channels), m.after.size_bytes,
         m.latency_after_ms ? Cell(*m.latency_after_ms) : Cell(),
         m.latency_after_ms ? Cell(1 - *m.latency_after_ms / *m.latency_before_ms) : Cell()});
  }
  return table;
}

Document search_document(const PruneResult& result) {
  std::vector<PrunedModel> sorted = result.models;
  std::sort(sorted.begin(), sorted.end(),
            [](const PrunedModel& a, const PrunedModel& b) { return a.goal.ratio < b.goal.ratio; });
  Section section{fmt::format("Within {} points", *result.max_shift), {}};
  const std::string unit(sorted.empty() ? "" : enum_name(sorted[0].goal.unit));
  std::string answer = "No ratio that was tried stays within.";
  if (result.chosen) {
    const PrunedModel& best = result.models[*result.chosen];
    answer = fmt::format("{}={} moves no figure by more than {:.2f} points.", unit, best.goal.ratio,
                         *best.shift_points);
  }
  if (result.out_of_time) answer += " Time ran out before the search ended.";
  section.blocks.push_back(Paragraph{answer});
  Table kept("kept",
             {text_column("remove"), number_column("shift_points", "largest shift, points", 2),
              text_column("model")});
  for (const PrunedModel& m : sorted) {
    kept.add_row({fmt::format("{}={}", unit, m.goal.ratio), *m.shift_points,
                  m.out.empty() ? "(another moves no more and is smaller)" : to_utf8(m.out)});
  }
  section.blocks.push_back(std::move(kept));
  section.blocks.push_back(curve_table(sorted));
  Document document;
  document.sections.push_back(std::move(section));
  return document;
}

}  // namespace

Document prune_document(const PruneResult& result) {
  if (result.max_shift) return search_document(result);
  const std::vector<PrunedModel>& models = result.models;
  Document document;
  if (models.size() > 1) {
    document.sections.push_back({"Curve", {curve_table(models)}});
    return document;
  }
  const PrunedModel& model = models[0];
  Section section{fmt::format("Removed {}={}", enum_name(model.goal.unit), model.goal.ratio), {}};
  if (!model.out.empty()) section.blocks.push_back(KeyValues{{{"model", to_utf8(model.out)}}});
  section.blocks.push_back(costs_table(model));
  if (!model.inexact.empty()) {
    section.blocks.push_back(Paragraph{
        fmt::format("Removed channels held constants that these layers now miss at their border: "
                    "{}.",
                    fmt::join(model.inexact, ", "))});
  }
  document.sections.push_back(std::move(section));
  if (model.trained) {
    Section training{"Training", {training_table(*model.trained)}};
    if (const auto& match = model.trained->teacher_match) {
      training.blocks.push_back(Paragraph{
          fmt::format("Outputs scaled by {:.3f} and moved by {:+.3f}, so that on average the model "
                      "is as sure as its teacher and finds each label as likely.",
                      match->scale, fmt::join(match->shift, ", "))});
    }
    document.sections.push_back(std::move(training));
  }
  document.sections.push_back({"Layers", {layer_table(model)}});
  return document;
}

std::string prune_json(const PruneResult& result) {
  if (result.models.size() == 1 && !result.max_shift) {
    return model_json(result.models[0]).dump(2) + "\n";
  }
  Json list = Json::array();
  for (const PrunedModel& model : result.models) list.push_back(model_json(model));
  if (!result.max_shift) return list.dump(2) + "\n";
  Json json;
  json["max_shift"] = *result.max_shift;
  if (result.chosen) json["chosen"] = *result.chosen;
  json["out_of_time"] = result.out_of_time;
  json["trials"] = std::move(list);
  return json.dump(2) + "\n";
}

}  // namespace fpcls
