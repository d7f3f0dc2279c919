#include "run/prune.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "config/options.h"
#include "graph/cut_channels.h"
#include "model/model_file.h"
#include "run/version.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;

/// "macs=0.5,0.7" as two goals.
std::vector<PruneGoal> parse_goals(const std::string& text) {
  const size_t equals = text.find('=');
  const std::optional<PruneUnit> unit = enum_value<PruneUnit>(text.substr(0, equals));
  if (equals == std::string::npos || !unit) {
    fail("--remove {}: expected UNIT=RATIO, such as macs=0.9, with unit one of: {}", quoted(text),
         enum_choices<PruneUnit>());
  }
  if (*unit == PruneUnit::latency) {
    fail("--remove {}: the time that layers of other widths take isn't measured yet; remove a "
         "share of the macs instead",
         quoted(text));
  }
  std::vector<PruneGoal> goals;
  std::istringstream ratios(text.substr(equals + 1) + ",");
  for (std::string ratio; std::getline(ratios, ratio, ',');) {
    PruneGoal goal{*unit, 0};
    try {
      parse_value(ratio, goal.ratio);
    } catch (const Error& error) {
      fail("--remove {}: the ratio {}", quoted(text), error.what());
    }
    if (!(goal.ratio >= 0 && goal.ratio < 1)) {
      fail("--remove {}: the ratio is {}, expected 0 to below 1, the share to remove", quoted(text),
           ratio);
    }
    goals.push_back(goal);
  }
  return goals;
}

std::vector<PruneGoal> goals_of(const PruneOptions& options) {
  if (options.remove.empty()) {
    fail("prune: nothing said to remove; pass --remove UNIT=RATIO, such as macs=0.5");
  }
  std::vector<PruneGoal> goals;
  for (const std::string& text : options.remove) {
    for (const PruneGoal& goal : parse_goals(text)) goals.push_back(goal);
  }
  for (const PruneGoal& goal : goals) {
    if (goal.unit == goals[0].unit) continue;
    fail("--remove: {} and {} are two targets, expected ratios of one unit; leave one out",
         enum_name(goals[0].unit), enum_name(goal.unit));
  }
  return goals;
}

int multiple_of(const std::string& round) {
  constexpr int kMost = 1024;
  if (round == "auto") return 0;
  if (round == "none") return 1;
  int multiple = 0;
  try {
    parse_value(round, multiple);
  } catch (const Error&) {
    multiple = 0;
  }
  if (multiple < 1 || multiple > kMost) {
    fail("--round {}: expected auto, none, or 1 to {}", quoted(round), kMost);
  }
  return multiple;
}

/// For each group whether it holds a layer that is to stay whole.
std::vector<bool> ignored_groups(const Graph& graph, const ChannelGroups& groups,
                                 const std::vector<std::string>& names) {
  std::vector<bool> ignored(groups.groups.size());
  for (const std::string& name : names) {
    const int node = graph.find(name);
    const bool layer =
        node >= 0 && (graph.node(node).op == Op::conv || graph.node(node).op == Op::linear);
    if (!layer) {
      std::vector<std::string> known;
      for (const Node& n : graph.nodes()) {
        if (n.op == Op::conv || n.op == Op::linear) known.push_back(n.name);
      }
      const std::string close = closest_name(name, known);
      fail("--ignore {}: is no conv or linear layer of the model{}; 'fpcls inspect' lists them",
           quoted(name), close.empty() ? "" : ", did you mean '" + close + "'");
    }
    const std::vector<int>& units = groups.axes[static_cast<size_t>(node)].units;
    for (size_t g = 0; g < ignored.size(); ++g) {
      const std::vector<int>& members = groups.groups[g].units;
      ignored[g] = ignored[g] || std::any_of(units.begin(), units.end(), [&](int unit) {
                     return std::binary_search(members.begin(), members.end(), unit);
                   });
    }
  }
  return ignored;
}

/// "small.safetensors" as "small.macs-0.5.safetensors".
std::string name_for(const PruneGoal& goal, const std::string& out, bool several) {
  if (out.empty() || !several) return out;
  std::filesystem::path path(out);
  const std::string name = fmt::format("{}.{}-{}{}", path.stem().string(), enum_name(goal.unit),
                                       goal.ratio, path.extension().string());
  return path.replace_filename(name).string();
}

std::vector<PrunedLayer> compare_layers(const Graph& before, const Graph& after) {
  std::vector<PrunedLayer> layers;
  for (int i = 0; i < before.size(); ++i) {
    const Node& node = before.node(i);
    if (node.op != Op::conv && node.op != Op::linear) continue;
    layers.push_back({node.name, node.weights.at("weight").shape()[0],
                      after.node(i).weights.at("weight").shape()[0]});
  }
  return layers;
}

Metadata metadata_of(const LoadedModel& model, const PruneOptions& options, const PruneGoal& goal) {
  Metadata metadata;
  metadata.head = model.head;
  metadata.preprocessing = model.preprocessing;
  metadata.accept = model.accept;
  metadata.precision = model.precision;
  metadata.architecture = model.architecture;
  metadata.provenance = model.provenance;
  const Provenance made{
      {"fpcls", version()},
      {"pruned_from", model.sha256},
      {"removed", fmt::format("{}={}", enum_name(goal.unit), goal.ratio)},
      {"channels_chosen", fmt::format("by {}, {}, rounded to {}, seed {}",
                                      enum_name(options.importance), enum_name(options.scope),
                                      options.round, options.seed)}};
  metadata.provenance.insert(metadata.provenance.end(), made.begin(), made.end());
  return metadata;
}

double ratio_of(int64_t before, int64_t after) {
  return 1 - static_cast<double>(after) / static_cast<double>(before);
}

Json costs_json(const ModelCosts& costs) {
  return {{"parameters", costs.parameters},
          {"macs", costs.macs},
          {"channels", costs.channels},
          {"size_bytes", costs.size_bytes}};
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

std::vector<PrunedModel> run_prune(const PruneOptions& options) {
  if (options.model.empty()) fail("prune: no model given; name its file");
  const std::vector<PruneGoal> goals = goals_of(options);
  SelectionOptions selection;
  selection.scope = options.scope;
  selection.round_to = multiple_of(options.round);
  selection.floor_ratio = options.floor;
  selection.floor_count = options.min_channels;
  if (options.importance == Importance::taylor) {
    fail("--importance taylor: needs the gradients of a training; use l2");
  }
  if (!options.plan && options.out.empty()) {
    fail("no file to write the model to; pass -o FILE.safetensors, or --plan to see what would go");
  }
  const LoadedModel model = load_model(options.model, options.foreign, HeadNeed::optional);
  const Graph& graph = model.graph;
  const ChannelGroups groups = find_channel_groups(graph);
  selection.ignored = ignored_groups(graph, groups, options.ignore);
  const CostModel costs(graph, groups);
  const std::vector<double> importance =
      unit_importance(graph, groups, options.importance, nullptr, options.seed);
  const std::vector<bool> all(importance.size(), true);
  std::vector<PrunedModel> results;
  std::vector<Graph> graphs;
  for (const PruneGoal& goal : goals) {
    const Selection chosen =
        select_channels(graph, groups, costs, importance, all, goal, selection);
    Cut cut = cut_channels(graph, groups, chosen.keep);
    const ChannelGroups left = remaining_groups(groups, chosen.keep);
    results.push_back({goal, costs.dense(), CostModel(cut.graph, left).dense(),
                       compare_layers(graph, cut.graph), std::move(cut.inexact),
                       options.plan ? "" : name_for(goal, options.out, goals.size() > 1)});
    graphs.push_back(std::move(cut.graph));
  }
  for (size_t i = 0; i < results.size() && !options.plan; ++i) {
    save_model_file(results[i].out, graphs[i], metadata_of(model, options, goals[i]));
  }
  return results;
}

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
