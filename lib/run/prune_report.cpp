#include <nlohmann/json.hpp>

#include "base/text.h"
#include "run/prune.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;

double ratio_of(int64_t before, int64_t after) {
  return 1 - static_cast<double>(after) / static_cast<double>(before);
}

Json costs_json(const ModelCosts& costs) {
  return {{"parameters", costs.parameters},
          {"macs", costs.macs},
          {"channels", costs.channels},
          {"size_bytes", costs.size_bytes}};
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
  Table table("steps", {text_column("step"), percent_column("ratio", "removed"),
                        number_column("loss", "loss", 4),
                        percent_column("balanced_accuracy", "balanced accuracy"),
                        percent_column("at_least_50", ">= 0.50"),
                        percent_column("at_least_80", ">= 0.80"),
                        percent_column("at_least_90", ">= 0.90"),
                        percent_column("at_least_95", ">= 0.95")});
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
  json["before"] = costs_json(model.before);
  json["after"] = costs_json(model.after);
  json["layers"] = Json::array();
  for (const PrunedLayer& layer : model.layers) {
    json["layers"].push_back({{"name", layer.name},
                              {"channels_before", layer.channels_before},
                              {"channels_after", layer.channels_after}});
  }
  json["inexact"] = model.inexact;
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
                        count_column("macs", "MACs"),
                        percent_column("macs_removed", "removed", 2), count_column("channels"),
                        percent_column("channels_removed", "removed", 2),
                        bytes_column("size_bytes", "size")});
  for (const PrunedModel& m : models) {
    table.add_row({fmt::format("{}={}", enum_name(m.goal.unit), m.goal.ratio), m.after.parameters,
                   ratio_of(m.before.parameters, m.after.parameters), m.after.macs,
                   ratio_of(m.before.macs, m.after.macs), m.after.channels,
                   ratio_of(m.before.channels, m.after.channels), m.after.size_bytes});
  }
  return table;
}

}  // namespace

Document prune_document(const std::vector<PrunedModel>& models) {
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
    document.sections.push_back({"Training", {training_table(*model.trained)}});
  }
  document.sections.push_back({"Layers", {layer_table(model)}});
  return document;
}

std::string prune_json(const std::vector<PrunedModel>& models) {
  if (models.size() == 1) return model_json(models[0]).dump(2) + "\n";
  Json json = Json::array();
  for (const PrunedModel& model : models) json.push_back(model_json(model));
  return json.dump(2) + "\n";
}

}  // namespace fpcls
