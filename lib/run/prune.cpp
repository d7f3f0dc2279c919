#include "run/prune.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "config/options.h"
#include "graph/cut_channels.h"
#include "model/model_file.h"
#include "run/prune_training.h"
#include "run/version.h"

namespace fpcls {
namespace {

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

SelectionOptions selection_of(const PruneOptions& options) {
  SelectionOptions selection;
  selection.scope = options.scope;
  selection.round_to = multiple_of(options.round);
  selection.floor_ratio = options.floor;
  selection.floor_count = options.min_channels;
  return selection;
}

void check_training(const PruneOptions& options, size_t goals) {
  const FineTuneOptions& tune = options.fine_tune;
  if (tune.train.empty()) {
    const char* needs = !tune.validation.empty() ? "validation"
                        : !tune.teacher.empty()  ? "teacher"
                        : !tune.journal.empty()  ? "journal"
                                                 : nullptr;
    if (needs != nullptr) fail("--{} needs --train, the pictures to train on", needs);
    if (tune.resume) fail("--resume needs --train and --journal");
  }
  if (options.importance == Importance::taylor && (tune.train.empty() || options.plan)) {
    fail("--importance taylor: takes the gradients of a training; pass --train, without --plan");
  }
  if (goals > 1 && !tune.journal.empty()) {
    fail("--journal: is for one ratio, {} are given; run one at a time", goals);
  }
}

/// A result with its network.
struct PruneCase {
  PrunedModel result;
  Graph graph;
};

std::vector<PrunedModel> results_of(std::vector<PruneCase> cases) {
  std::vector<PrunedModel> results;
  for (PruneCase& made : cases) results.push_back(std::move(made.result));
  return results;
}

/// What the weights alone say should go, in one cut.
PruneCase cut_at_once(const PruneOptions& options, const LoadedModel& model, const PruneGoal& goal,
                      const SelectionOptions& selection) {
  const Graph& graph = model.graph;
  const ChannelGroups groups = find_channel_groups(graph);
  const CostModel costs(graph, groups);
  // Only a training has gradients; until then the squares stand in for them.
  const Importance importance =
      options.importance == Importance::taylor ? Importance::l2 : options.importance;
  const std::vector<double> values =
      unit_importance(graph, groups, importance, nullptr, options.seed);
  const Selection chosen = select_channels(
      graph, groups, costs, values, std::vector<bool>(values.size(), true), goal, selection);
  Cut cut = cut_channels(graph, groups, chosen.keep);
  const ModelCosts after = CostModel(cut.graph, remaining_groups(groups, chosen.keep)).dense();
  return {{goal, costs.dense(), after, compare_layers(graph, cut.graph), std::move(cut.inexact), "",
           std::nullopt},
          std::move(cut.graph)};
}

void train(const PruneTraining& training, const SelectionOptions& selection, const Graph& dense,
           PruneCase& made) {
  PruningResult trained = training.run(made.result.goal, selection);
  const ChannelGroups groups = find_channel_groups(dense);
  made.graph = std::move(trained.graph);
  trained.graph = made.graph;
  made.result.after = CostModel(made.graph, remaining_groups(groups, trained.keep)).dense();
  made.result.layers = compare_layers(dense, made.graph);
  made.result.inexact = trained.inexact;
  made.result.trained = std::move(trained);
}

void check_divergence(const PrunedModel& model) {
  if (!model.trained || model.trained->divergence.empty()) return;
  fail("training: {}; lower --learning-rate; the last good network is in {}",
       model.trained->divergence, quoted(model.out));
}

}  // namespace

std::vector<PrunedModel> run_prune(const PruneOptions& options) {
  if (options.model.empty()) fail("prune: no model given; name its file");
  const std::vector<PruneGoal> goals = goals_of(options);
  SelectionOptions selection = selection_of(options);
  check_training(options, goals.size());
  if (!options.plan && options.out.empty()) {
    fail("no file to write the model to; pass -o FILE.safetensors, or --plan to see what would go");
  }
  const LoadedModel model = load_model(options.model, options.foreign, HeadNeed::optional);
  const ChannelGroups groups = find_channel_groups(model.graph);
  selection.ignored = ignored_groups(model.graph, groups, options.ignore);
  std::vector<PruneCase> cases;
  for (const PruneGoal& goal : goals) cases.push_back(cut_at_once(options, model, goal, selection));
  if (options.plan) return results_of(std::move(cases));
  for (PruneCase& made : cases) {
    made.result.out = name_for(made.result.goal, options.out, goals.size() > 1);
    AtomicFile(made.result.out);  // a path that can't be written fails before the long work
  }
  std::optional<PruneTraining> training;
  if (!options.fine_tune.train.empty()) training.emplace(options, model);
  for (PruneCase& made : cases) {
    Metadata metadata = metadata_of(model, options, made.result.goal);
    if (training) {
      train(*training, selection, model.graph, made);
      const Provenance more = training->provenance();
      metadata.provenance.insert(metadata.provenance.end(), more.begin(), more.end());
    }
    save_model_file(made.result.out, made.graph, metadata);
    check_divergence(made.result);
  }
  return results_of(std::move(cases));
}

}  // namespace fpcls
