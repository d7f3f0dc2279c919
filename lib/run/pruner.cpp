#include "run/pruner.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "base/threads.h"
#include "config/options.h"
#include "graph/cut_channels.h"
#include "model/model_file.h"
#include "run/model_latency.h"
#include "run/version.h"

namespace fpcls {
namespace {

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
      {"channels_chosen",
       fmt::format("by {}, {}, rounded to {}, seed {}", enum_name(options.importance),
                   enum_name(options.scope), options.round, options.seed)}};
  metadata.provenance.insert(metadata.provenance.end(), made.begin(), made.end());
  return metadata;
}

ChannelSelectionOptions selection_of(const PruneOptions& options) {
  ChannelSelectionOptions selection;
  selection.scope = options.scope;
  selection.round_to = multiple_of(options.round);
  selection.floor_ratio = options.floor;
  selection.floor_count = options.min_channels;
  return selection;
}

int threads_of(const PruneOptions& options) {
  return options.fine_tune.threads > 0 ? options.fine_tune.threads : usable_cores();
}

LoadedModel load_f32(const PruneOptions& options) {
  if (options.model.empty()) fail("prune: no model given; name its file");
  LoadedModel model = load_model(options.model, options.foreign, HeadNeed::optional);
  for (const Node& node : model.graph.nodes()) {
    if (!node.is_int8() && !node.is_bf16() && node.op != Op::quantize) continue;
    fail(
        "{}: layer {} holds {} numbers, which can't be pruned or trained; prune the f32 model it "
        "was made from, and quantize what comes out",
        quoted(options.model), quoted(node.name), node.is_bf16() ? "bf16" : "i8");
  }
  return model;
}

void check_divergence(const PrunedModel& model) {
  if (!model.trained || model.trained->divergence.empty()) return;
  fail("training: {}; lower --learning-rate; the last good network is in {}",
       model.trained->divergence, quoted(model.out));
}

}  // namespace

Pruner::Pruner(const PruneOptions& options)
    : options_(options),
      model_(load_f32(options)),
      groups_(find_channel_groups(model_.graph)),
      selection_(selection_of(options)),
      measured_(threads_of(options)),
      times_(measured_) {
  selection_.ignored = ignored_groups(model_.graph, groups_, options.ignore);
}

PruneCase Pruner::cut(const PruneGoal& goal) {
  const Graph& graph = model_.graph;
  std::optional<LatencyModel> latency;
  ChannelSelectionOptions selection = selection_;
  if (goal.unit == PruneUnit::latency) {
    latency.emplace(graph, groups_, times_);
    selection.widths = latency->cliffs();
  }
  const CostModel costs(graph, groups_, latency ? &*latency : nullptr);
  // Only a training has gradients; until then the squares stand in for them.
  const Importance importance =
      options_.importance == Importance::taylor ? Importance::l2 : options_.importance;
  const std::vector<double> values =
      unit_importance(graph, groups_, importance, nullptr, options_.seed);
  const ChannelSelection chosen = select_channels(
      graph, groups_, costs, values, std::vector<bool>(values.size(), true), goal, selection);
  Cut cut = cut_channels(graph, groups_, chosen.keep);
  PrunedModel result;
  result.goal = goal;
  result.before = CostModel(graph, groups_).dense();
  result.after = CostModel(cut.graph, remaining_groups(groups_, chosen.keep)).dense();
  result.layers = compare_layers(graph, cut.graph);
  result.inexact = std::move(cut.inexact);
  return {std::move(result), std::move(cut.graph)};
}

std::optional<PruneCase> Pruner::cut_if_reachable(const PruneGoal& goal) {
  try {
    return cut(goal);
  } catch (const Error&) {  // the model and all else was seen to be sound with a lower goal
    return std::nullopt;
  }
}

void Pruner::open_training() {
  if (!options_.fine_tune.train.empty()) {
    training_ = std::make_unique<PruneTraining>(options_, model_);
  }
}

void Pruner::train(PruneCase& made, const std::filesystem::path& journal) {
  PruningResult trained = training_->run(made.result.goal, selection_, times_, journal);
  made.graph = std::move(trained.graph);
  trained.graph = made.graph;
  made.result.after = CostModel(made.graph, remaining_groups(groups_, trained.keep)).dense();
  made.result.layers = compare_layers(model_.graph, made.graph);
  made.result.inexact = trained.inexact;
  if (trained.divergence.empty()) made.result.shift_points = training_->shift_points(made.graph);
  made.result.trained = std::move(trained);
}

void Pruner::finish(PruneCase& made, const std::filesystem::path& journal) {
  Metadata metadata = metadata_of(model_, options_, made.result.goal);
  if (training_) {
    train(made, journal);
    const Provenance more = training_->provenance();
    metadata.provenance.insert(metadata.provenance.end(), more.begin(), more.end());
  }
  save_model_file(made.result.out, made.graph, metadata);
  check_divergence(made.result);
}

void Pruner::measure(std::vector<PruneCase>& cases) const {
  if (!options_.measure || cases.empty()) return;
  std::vector<const Graph*> graphs{&model_.graph};
  for (const PruneCase& made : cases) graphs.push_back(&made.graph);
  const std::vector<std::optional<double>> ms =
      quick_latencies_ms(graphs, model_.preprocessing, threads_of(options_));
  for (size_t i = 0; i < cases.size(); ++i) {
    cases[i].result.latency_before_ms = ms[0];
    cases[i].result.latency_after_ms = ms[i + 1];
  }
}

std::string name_for(const PruneGoal& goal, const std::string& out) {
  std::filesystem::path path(out);
  const std::string name = fmt::format("{}.{}-{}{}", path.stem().string(), enum_name(goal.unit),
                                       goal.ratio, path.extension().string());
  return path.replace_filename(name).string();
}

std::vector<PrunedModel> results_of(std::vector<PruneCase> cases) {
  std::vector<PrunedModel> results;
  for (PruneCase& made : cases) results.push_back(std::move(made.result));
  return results;
}

}  // namespace fpcls
