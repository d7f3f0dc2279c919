#include "run/prune_training.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/error.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/threads.h"
#include "exec/backend.h"
#include "run/picture_list.h"
#include "run/version.h"

namespace fpcls {
namespace {

void check_options(const FineTuneOptions& tune) {
  if (tune.resume && tune.journal.empty()) fail("--resume needs --journal FILE");
  if (!tune.resume && !tune.journal.empty() && std::filesystem::exists(tune.journal)) {
    fail("{}: holds a schedule already; go on with it by --resume, or delete it",
         quoted(tune.journal));
  }
}

InputOptions input_of(const FineTuneOptions& tune, const std::vector<std::string>& inputs) {
  InputOptions input;
  input.inputs = inputs;
  input.label_map = tune.label_map;
  return input;
}

/// The target of each label that occurs. A binary model's other pictures all speak against its
/// positive label unless some have the very label that it has for them.
std::map<std::string, int> targets_of(const Head& head, const std::vector<std::string>& present) {
  std::map<std::string, int> targets;
  const auto occurs = [&](const std::string& label) {
    return std::find(present.begin(), present.end(), label) != present.end();
  };
  const std::string positive = head.binary() ? head.scored_labels()[0] : "";
  const bool pair = head.binary() && head.labels.size() == 2;
  const std::string negative =
      pair ? head.labels[static_cast<size_t>(1 - head.positive)] : std::string();
  for (const std::string& label : present) {
    const auto found = std::find(head.labels.begin(), head.labels.end(), label);
    if (head.binary() && !pair) {
      targets[label] = label == positive ? 1 : 0;
    } else if (found != head.labels.end()) {
      targets[label] = static_cast<int>(found - head.labels.begin());
    } else if (pair && !occurs(negative)) {
      targets[label] = 1 - head.positive;
    } else {
      fail(
          "pictures have the label {}, which the model doesn't tell from others ({}); drop it "
          "with --label-map",
          quoted(label), fmt::join(head.labels, ", "));
    }
  }
  return targets;
}

void check_all_occur(const Head& head, const std::map<std::string, int>& targets) {
  std::set<int> seen;
  for (const auto& [label, target] : targets) seen.insert(target);
  const int outputs = std::max(2, static_cast<int>(head.labels.size()));
  for (int target = 0; target < outputs; ++target) {
    if (seen.count(target) != 0) continue;
    const bool named = head.labels.size() > 1;
    fail("no picture to train on has the label {}; add some",
         named         ? quoted(head.labels[static_cast<size_t>(target)])
         : target == 1 ? quoted(head.labels[0])
                       : "of anything but " + head.labels[0]);
  }
}

TrainingData load_data(const PruneOptions& options, const LoadedModel& model, int threads) {
  const FineTuneOptions& tune = options.fine_tune;
  const bool quiet = options.output.quiet;
  const ImageList list = list_pictures(input_of(tune, tune.train), {}, AnyLabel::yes, quiet);
  const ImageList held = tune.validation.empty() ? ImageList()
                                                 : list_pictures(input_of(tune, tune.validation),
                                                                 {}, AnyLabel::yes, quiet);
  std::vector<std::string> present = list.labels();
  check_all_occur(model.head, targets_of(model.head, present));
  for (const std::string& label : held.labels()) {
    if (std::find(present.begin(), present.end(), label) == present.end()) present.push_back(label);
  }
  const std::map<std::string, int> targets = targets_of(model.head, present);
  const TargetOf target_of = [&](const std::string& label) {
    const auto found = targets.find(label);
    return found == targets.end() ? -1 : found->second;
  };
  return load_training_data(list, held, tune.validation_share, target_of, model.preprocessing,
                            tune.augmentation(), threads, quiet);
}

/// `set` with targets as answers, 1 being the positive label, where they are the other way round.
TrainingSet turned(TrainingSet set) {
  for (int& target : set.targets) target = 1 - target;
  return set;
}

}  // namespace

PruneTraining::PruneTraining(const PruneOptions& options, const LoadedModel& model)
    : options_(options), model_(model) {
  const FineTuneOptions& tune = options.fine_tune;
  check_options(tune);
  threads_ = tune.threads > 0 ? tune.threads : usable_cores();
  if (tune.distils()) {
    teacher_ = std::make_unique<Teacher>(
        tune.teacher.empty() ? model : load_teacher(tune.teacher, model.head, model.graph),
        model.graph, tune, tune, threads_);
  }
  make_trainer(model.graph);  // says what can't be trained before the pictures are decoded
  data_ = load_data(options, model, threads_);
}

std::unique_ptr<Trainer> PruneTraining::make_trainer(const Graph& graph) const {
  const FineTuneOptions& tune = options_.fine_tune;
  TrainerOptions setup = tune.trainer(graph, threads_, options_.seed);
  if (teacher_) teacher_->set_up(setup);
  return torch_backend().make_trainer(graph, model_.preprocessing, setup);
}

PruningResult PruneTraining::run(const PruneGoal& goal, const ChannelSelectionOptions& selection,
                                 KeptLayerTimes& times,
                                 const std::filesystem::path& journal) const {
  const FineTuneOptions& tune = options_.fine_tune;
  PruningPlan plan;
  plan.goal = goal;
  plan.selection = selection;
  plan.importance = options_.importance;
  plan.steps = tune.steps;
  plan.step_epochs = tune.step_epochs;
  plan.statistics_batches = tune.statistics_batches;
  plan.journal = journal;
  plan.resume = tune.resume;
  plan.times = &times;
  TrainingPlan& training = plan.training;
  training = tune.plan(tune.epochs, options_.seed);
  training.quiet = options_.output.quiet;
  if (teacher_) training.teacher = [this](TrainingBatch& batch) { teacher_->answer(batch); };
  Metadata metadata;
  metadata.head = model_.head;
  metadata.preprocessing = model_.preprocessing;
  metadata.architecture = model_.architecture;
  std::string fingerprint =
      fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {}", weights_sha256(model_.graph),
                  training_set_sha256(data_.training), training_set_sha256(data_.validation),
                  enum_name(tune.optimizer), tune.weight_decay, tune.momentum, tune.label_smoothing,
                  tune.ema, teacher_ ? teacher_->sha256() : "", tune.distillation, tune.temperature,
                  enum_name(tune.augment), enum_name(tune.bf16));
  if (teacher_) fingerprint += " " + teacher_->method();
  return prune_and_train(
      model_.graph, metadata, data_.training, data_.validation,
      [this](const Graph& graph) { return make_trainer(graph); }, plan, fingerprint);
}

ScoreFigures PruneTraining::figures(const Graph& graph) const {
  const auto executor = make_executor(ExecutorKind::automatic, graph, model_.preprocessing,
                                      {options_.fine_tune.device, 1});
  const Head& head = model_.head;
  Progress progress("judging", "pictures", data_.validation.size(), options_.output.quiet);
  const auto judged = [&](const TrainingSet& set) {
    return figures_of(
        judge_scores(*executor, head, model_.accept, set, threads_, [&] { progress.advance(); }),
        set, head);
  };
  const bool other_way_round = head.labels.size() == 2 && head.positive == 0;
  return other_way_round ? judged(turned(data_.validation)) : judged(data_.validation);
}

double PruneTraining::shift_points(const Graph& pruned) {
  if (!before_) before_ = figures(model_.graph);
  return largest_shift_points(*before_, figures(pruned));
}

Provenance PruneTraining::provenance() const {
  const FineTuneOptions& tune = options_.fine_tune;
  Provenance made{{"training_sha256", training_set_sha256(data_.training)},
                  {"validation_sha256", training_set_sha256(data_.validation)},
                  {"pictures", fmt::format("{}", data_.training.size())},
                  {"schedule", fmt::format("{} steps of {} epochs, then {}", tune.steps,
                                           tune.step_epochs, tune.epochs)},
                  {"batch", fmt::format("{}", tune.batch)},
                  {"optimizer", fmt::format("{} {} weight decay {}, moving average {}",
                                            enum_name(tune.optimizer), tune.learning_rate,
                                            tune.weight_decay, tune.ema)}};
  if (teacher_) {
    const Provenance learnt = provenance_of(*teacher_);
    made.insert(made.end(), learnt.begin(), learnt.end());
  }
  return made;
}

}  // namespace fpcls
