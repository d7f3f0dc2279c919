#include "run/train.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "base/threads.h"
#include "exec/backend.h"
#include "model/initial_weights.h"
#include "model/model_file.h"
#include "model/resnet.h"
#include "run/load_model.h"
#include "run/picture_list.h"
#include "run/teacher.h"
#include "run/training_data.h"
#include "run/version.h"
#include "tune/teacher_match.h"

namespace fpcls {
namespace {

/// A binary model's other label: what --negative names, else "not_" and the positive label.
std::string negative_label(const TrainOptions& options) {
  return options.negative.empty() ? "not_" + options.positive : options.negative;
}

void check_options(const TrainOptions& options) {
  if (options.out.empty()) fail("no file to write the model to; pass -o FILE.safetensors");
  if (options.positive.empty() && !options.negative.empty()) {
    fail("--negative needs --positive; name both labels");
  }
  if (!options.positive.empty() && options.positive == options.negative) {
    fail("--negative and --positive are both {}; name two labels", quoted(options.positive));
  }
  if (options.feature_distillation > 0 && options.teacher.empty()) {
    fail("--feature-distillation needs --teacher, the model to learn from");
  }
  if (options.from_scratch && options.from.empty()) {
    fail("--from-scratch: takes the network of a model; name it by --from, or leave it out");
  }
  if (options.resume && options.checkpoint.empty()) fail("--resume needs --checkpoint FILE");
  if (!options.resume && !options.checkpoint.empty() &&
      std::filesystem::exists(options.checkpoint)) {
    fail("{}: holds a training already; go on with it by --resume, or delete it",
         quoted(options.checkpoint));
  }
}

InputOptions validation_input(const TrainOptions& options) {
  InputOptions input = options.input;
  input.inputs = options.validation;
  return input;
}

/// The pictures say which labels there are.
ImageList list_labelled(const InputOptions& input) {
  return list_pictures(input, {}, AnyLabel::yes);
}

Head head_of(const TrainOptions& options, const ImageList& list) {
  const std::vector<std::string> present = list.labels();
  const auto want = [&present](const std::string& label) {
    if (std::find(present.begin(), present.end(), label) != present.end()) return;
    const std::string close = closest_name(label, present);
    fail("no picture has the label {}{}; there are: {}", quoted(label),
         close.empty() ? "" : ", did you mean '" + close + "'", fmt::join(present, ", "));
  };
  if (options.positive.empty()) {
    if (present.size() < 2)
      fail("the pictures have {} label(s), expected 2 or more", present.size());
    return {present, -1};
  }
  want(options.positive);
  if (!options.negative.empty()) want(options.negative);
  if (present.size() < 2) {
    fail("all pictures have the label {}; add pictures of others to tell it from",
         quoted(options.positive));
  }
  return {{negative_label(options), options.positive}, 1};
}

TargetOf target_of(const TrainOptions& options, const Head& head) {
  return [&options, &head](const std::string& label) {
    const auto found = std::find(head.labels.begin(), head.labels.end(), label);
    if (found != head.labels.end()) return static_cast<int>(found - head.labels.begin());
    return head.binary() && options.negative.empty() ? 0 : -1;
  };
}

/// Whole pictures stretched to a square: a centre crop would cut off a plan's border.
Preprocessing preprocessing_of(int size) {
  Preprocessing p;
  p.height = p.width = size;
  p.fit = Fit::stretch;
  p.decode = Decode::fast;
  return p;
}

Graph initial_weights_of(const Graph& graph, const TrainOptions& options) {
  try {
    return with_initial_weights(graph, options.seed);
  } catch (const Error& error) {
    fail("{}: {}", quoted(options.from), error.what());
  }
}

struct Start {
  Graph graph;
  Metadata metadata;
};

/// A new network, or the model to go on from.
Start start_of(const TrainOptions& options, const Head& head) {
  if (options.from.empty()) {
    ResNetSpec spec;
    spec.architecture = options.architecture;
    spec.width_multiplier = options.width;
    spec.outputs = static_cast<int>(head.labels.size());
    spec.height = spec.width = options.size;
    spec.seed = options.seed;
    Metadata metadata;
    metadata.head = head;
    metadata.preprocessing = preprocessing_of(options.size);
    metadata.architecture = options.architecture;
    return {build_resnet(spec), metadata};
  }
  ModelFile file = load_model_file(options.from);
  if (file.metadata.head.labels != head.labels) {
    fail("{}: tells apart {}, the pictures and flags say {}; name the same labels",
         quoted(options.from), fmt::join(file.metadata.head.labels, ", "),
         fmt::join(head.labels, ", "));
  }
  // A temperature was fitted to the weights as they were.
  file.metadata.head.temperature = 1;
  if (options.from_scratch) {
    // What the weights came from is of no account any more, only the network is.
    file.metadata.provenance = {{"network_of", file.sha256}};
    return {initial_weights_of(file.graph, options), std::move(file.metadata)};
  }
  file.metadata.provenance.emplace_back("from", file.sha256);
  return {std::move(file.graph), std::move(file.metadata)};
}

std::unique_ptr<Teacher> teacher_of(const TrainOptions& options, const Start& start, int threads) {
  if (options.teacher.empty() || !options.distils()) return nullptr;
  return std::make_unique<Teacher>(load_teacher(options.teacher, start.metadata.head, start.graph),
                                   start.graph, options, options, threads);
}

TrainingPlan plan_of(const TrainOptions& options, const Teacher* teacher) {
  TrainingPlan plan = options.plan(options.epochs, options.seed);
  plan.checkpoint = options.checkpoint;
  plan.resume = options.resume;
  plan.quiet = options.output.quiet;
  if (teacher != nullptr) {
    plan.teacher = [teacher](TrainingBatch& batch) { teacher->answer(batch); };
  }
  return plan;
}

Provenance provenance_of(const TrainOptions& options, const TrainingData& data,
                         const TrainingResult& result, bool bf16, const Teacher* teacher) {
  Provenance made{{"fpcls", version()},
                  {"training_sha256", training_set_sha256(data.training)},
                  {"validation_sha256", training_set_sha256(data.validation)},
                  {"pictures", fmt::format("{}", data.training.size())},
                  {"epochs", fmt::format("{} of {}", result.best_epoch, options.epochs)},
                  {"batch", fmt::format("{}", options.batch)},
                  {"optimizer", fmt::format("{} {} weight decay {}", enum_name(options.optimizer),
                                            options.learning_rate, options.weight_decay)},
                  {"numbers", bf16 ? "bf16 products" : "f32"},
                  {"seed", fmt::format("{}", options.seed)}};
  if (teacher != nullptr) {
    const Provenance learnt = provenance_of(*teacher);
    made.insert(made.end(), learnt.begin(), learnt.end());
  }
  return made;
}

/// Of all that the result depends on and the plan doesn't name.
std::string fingerprint_of(const TrainOptions& options, const TrainingData& data,
                           const Graph& initial, bool bf16, const Teacher* teacher) {
  std::string fingerprint = fmt::format(
      "{} {} {} {} {} {} {} {} {} {} {} {} {}", training_set_sha256(data.training),
      training_set_sha256(data.validation), weights_sha256(initial), options.architecture,
      options.width, options.size, enum_name(options.optimizer), options.weight_decay,
      options.momentum, options.label_smoothing, options.ema, enum_name(options.augment), bf16);
  if (teacher != nullptr) {
    fingerprint += fmt::format(" {} {}", teacher->sha256(), teacher->method());
  }
  return fingerprint;
}

}  // namespace

TrainSummary run_train(const TrainOptions& options) {
  check_options(options);
  const Stopwatch watch;
  AtomicFile(options.out);  // a path that can't be written fails before the long work
  const int threads = options.threads > 0 ? options.threads : usable_cores();
  const ImageList list = list_labelled(options.input);
  const Head head = head_of(options, list);
  Start start = start_of(options, head);
  const std::unique_ptr<Teacher> teacher = teacher_of(options, start, threads);
  TrainerOptions trainer_setup = options.trainer(start.graph, threads, options.seed);
  if (teacher) teacher->set_up(trainer_setup);
  const auto trainer =
      torch_backend().make_trainer(start.graph, start.metadata.preprocessing, trainer_setup);
  const ImageList held =
      options.validation.empty() ? ImageList() : list_labelled(validation_input(options));
  const TrainingData data = load_training_data(
      list, held, options.validation_share, target_of(options, head), start.metadata.preprocessing,
      options.augmentation(), threads, options.output.quiet);
  const TrainingPlan plan = plan_of(options, teacher.get());
  TrainSummary summary{
      head,
      options.out,
      data.training.size(),
      data.validation.size(),
      data.copies,
      data.bad(),
      train(*trainer, start.graph, head, data.training, data.validation, plan,
            fingerprint_of(options, data, start.graph, trainer_setup.bf16, teacher.get())),
      trainer_setup.bf16,
      0};
  if (summary.result.best_epoch > 0) {
    Graph& best = summary.result.best;
    const auto last =
        torch_backend().make_trainer(best, start.metadata.preprocessing, trainer_setup);
    best = match_teacher(best, *last, data.validation, plan).graph;
    const Provenance made =
        provenance_of(options, data, summary.result, trainer_setup.bf16, teacher.get());
    start.metadata.provenance.insert(start.metadata.provenance.end(), made.begin(), made.end());
    save_model_file(options.out, summary.result.best, start.metadata);
  }
  if (!summary.result.divergence.empty()) {
    fail("training: {}; lower --learning-rate; {}", summary.result.divergence,
         summary.result.best_epoch > 0 ? fmt::format("the network of epoch {} is in {}",
                                                     summary.result.best_epoch, quoted(options.out))
                                       : "nothing was written");
  }
  summary.wall_s = watch.seconds();
  return summary;
}

Document train_document(const TrainSummary& summary) {
  Table table("history",
              {count_column("epoch"), number_column("loss", "loss", 4),
               number_column("validation_loss", "validation loss", 4), percent_column("accuracy"),
               percent_column("balanced_accuracy", "balanced accuracy"),
               percent_column("at_least_90", "score >= 0.90"), text_column("best", "")});
  for (const EpochRow& row : summary.result.history) {
    table.add_row({row.epoch, row.loss, row.validation.loss, row.validation.accuracy,
                   row.validation.balanced_accuracy, row.validation.at_least_ratio[2],
                   row.epoch == summary.result.best_epoch ? "best" : ""});
  }
  KeyValues facts;
  facts.entries = {{"model", to_utf8(summary.out)},
                   {"labels", fmt::format("{}", fmt::join(summary.head.labels, ", "))},
                   {"pictures", fmt::format("{} to train on, {} to validate on",
                                            with_thousands(summary.training_pictures),
                                            with_thousands(summary.validation_pictures))},
                   {"numbers", summary.bf16 ? "bf16 products, f32 weights" : "f32"},
                   {"took", format_duration(summary.wall_s)}};
  if (summary.copies > 0) {
    facts.entries.emplace_back("left out",
                               fmt::format("{} training pictures that are validated on too",
                                           with_thousands(summary.copies)));
  }
  if (summary.result.stopped_early)
    facts.entries.emplace_back("stopped", "early: no better epoch came");
  Document document;
  document.sections.push_back({"Training", {facts, std::move(table)}});
  if (!summary.bad.empty()) {
    Table bad("bad_images", {text_column("path"), text_column("reason")});
    for (const auto& [path, reason] : summary.bad) bad.add_row({path, reason});
    document.sections.push_back({"Pictures that could not be decoded", {std::move(bad)}});
  }
  return document;
}

std::string train_json(const TrainSummary& summary) {
  nlohmann::ordered_json json;
  json["model"] = to_utf8(summary.out);
  json["labels"] = summary.head.labels;
  json["training_pictures"] = summary.training_pictures;
  json["validation_pictures"] = summary.validation_pictures;
  json["copies_left_out"] = summary.copies;
  json["best_epoch"] = summary.result.best_epoch;
  json["stopped_early"] = summary.result.stopped_early;
  json["wall_s"] = summary.wall_s;
  json["history"] = nlohmann::ordered_json::array();
  for (const EpochRow& row : summary.result.history) {
    json["history"].push_back({{"epoch", row.epoch},
                               {"loss", row.loss},
                               {"learning_rate", row.learning_rate},
                               {"validation_loss", row.validation.loss},
                               {"accuracy", row.validation.accuracy},
                               {"balanced_accuracy", row.validation.balanced_accuracy},
                               {"at_least_90_ratio", row.validation.at_least_ratio[2]}});
  }
  json["bad_images"] = nlohmann::ordered_json::array();
  for (const auto& [path, reason] : summary.bad) {
    json["bad_images"].push_back({{"path", path}, {"reason", reason}});
  }
  return json.dump(2) + "\n";
}

}  // namespace fpcls
