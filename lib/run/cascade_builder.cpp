#include "run/cascade_builder.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "exec/backend.h"
#include "run/load_model.h"

namespace fpcls {
namespace {

/// What speaks of --model would be passed over where the stages come from a list.
void check_nothing_is_for_models(const CascadeSpec& spec) {
  const char* given = spec.accept                      ? "accept"
                      : !spec.foreign.positive.empty() ? "positive"
                                                       : foreign_option_given(spec.foreign);
  if (given == nullptr) return;
  fail("'{}' is for --model, but a 'cascade:' is given; write it into the stages that it is for",
       given);
}

/// The stages that the options describe: the YAML file's list, or one for each --model.
std::vector<StageOptions> stage_list(const CascadeSpec& spec) {
  if (!spec.cascade.empty() && !spec.model.empty()) {
    fail(
        "--model can't be given together with a 'cascade:' in the configuration; take one of them");
  }
  if (spec.cascade.empty() && spec.model.empty()) {
    fail("no model given; pass --model FILE, or --config FILE.yaml with a 'cascade:'");
  }
  if (!spec.cascade.empty()) check_nothing_is_for_models(spec);
  std::vector<StageOptions> stages = spec.cascade;
  for (const std::string& model : spec.model) {
    StageOptions stage;
    stage.model = model;
    stage.accept = spec.accept;
    stage.foreign = spec.foreign;
    stages.push_back(std::move(stage));
  }
  return stages;
}

/// All of it, in one line: two runs preprocess alike where these are equal.
std::string described(const Preprocessing& p) {
  std::string text = fmt::format("{} x {}, {}", p.width, p.height, enum_name(p.fit));
  if (p.fit == Fit::center_crop) text += fmt::format(" of {}", p.resize);
  return text + fmt::format(", {} decoding, mean {} {} {}, std {} {} {}", enum_name(p.decode),
                            p.mean[0], p.mean[1], p.mean[2], p.std[0], p.std[1], p.std[2]);
}

StageInfo stage_info(const StageOptions& options, const LoadedModel& model) {
  StageInfo info;
  info.scored_labels = model.head.scored_labels();
  info.binary = model.head.binary();
  info.name = !options.name.empty() ? options.name
              : info.binary         ? info.scored_labels[0]
                                    : std::filesystem::path(model.path).stem().string();
  info.negative = options.negative;
  info.accept = options.accept.value_or(model.accept);
  info.model_path = to_utf8(model.path);
  info.model_sha256 = model.sha256;
  info.precision = model.precision;
  info.preprocessing = described(model.preprocessing);
  if (!info.negative.empty() && !info.binary) {
    fail("{}: stage {} has a 'negative' but a multi-class model; remove one of them",
         quoted(model.path), quoted(info.name));
  }
  if (info.negative == info.scored_labels[0]) {
    fail("stage {}: 'negative' is its positive label {}; give the other one", quoted(info.name),
         quoted(info.negative));
  }
  return info;
}

}  // namespace

LoadedCascade load_cascade(const CascadeSpec& spec) {
  LoadedCascade loaded;
  loaded.cascade.otherwise = spec.otherwise;
  std::set<std::string> names;
  for (const StageOptions& options : stage_list(spec)) {
    if (options.model.empty()) {
      fail("stage {}: has no 'model'; name its model file", quoted(options.name));
    }
    LoadedModel model = load_model(options.model, options.foreign);
    Stage stage;
    stage.info = stage_info(options, model);
    stage.head = model.head;
    stage.preprocessing = model.preprocessing;
    stage.outputs = static_cast<int>(model.graph.output_count());
    if (!names.insert(stage.info.name).second) {
      fail("stage {} stands twice in the cascade; give each stage a 'name' of its own",
           quoted(stage.info.name));
    }
    loaded.cascade.stages.push_back(std::move(stage));
    loaded.models.push_back(std::move(model));
  }
  return loaded;
}

Cascade make_ready(LoadedCascade loaded, const RuntimeOptions& runtime, int threads, bool quiet) {
  for (size_t i = 0; i < loaded.models.size(); ++i) {
    // Gone before the next is made ready: weights that were packed aren't needed any more.
    const LoadedModel model = std::move(loaded.models[i]);
    ReadyModel ready = make_ready(model, runtime, threads, quiet);
    loaded.cascade.stages[i].executor = std::move(ready.executor);
    loaded.cascade.stages[i].computed_by = std::move(ready.computed_by);
  }
  return std::move(loaded.cascade);
}

std::vector<std::string> cascade_labels(const Cascade& cascade) {
  std::vector<std::string> labels;
  const auto add = [&labels](const std::string& label) {
    if (!label.empty() && std::find(labels.begin(), labels.end(), label) == labels.end()) {
      labels.push_back(label);
    }
  };
  for (const Stage& stage : cascade.stages) {
    for (const std::string& label : stage.info.scored_labels) add(label);
    add(stage.info.negative);
  }
  add(cascade.otherwise);
  return labels;
}

}  // namespace fpcls
