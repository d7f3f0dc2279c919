#include "tune/pruning.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/hash.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/text.h"
#include "graph/cut_channels.h"
#include "tune/pruning_journal.h"
#include "tune/teacher_match.h"

namespace fpcls {
namespace {

/// Which of the seed's independent parts is used for what, beside those of a training.
constexpr uint64_t kStatisticsSeed = 11;
constexpr uint64_t kGradientSeed = 12;
constexpr uint64_t kStepSeed = 13;

class Schedule {
 public:
  Schedule(const Graph& dense, const Metadata& metadata, const TrainingSet& training,
           const TrainingSet& validation, const TrainerMaker& make_trainer, const PruningPlan& plan,
           const std::string& fingerprint)
      : dense_(dense),
        metadata_(metadata),
        training_(training),
        validation_(validation),
        make_trainer_(make_trainer),
        plan_(plan),
        groups_(find_channel_groups(dense)),
        latency_(latency_model()),
        model_(dense, groups_, latency_ ? &*latency_ : nullptr),
        fingerprint_(full_fingerprint(fingerprint)),
        result_{dense, std::vector<bool>(static_cast<size_t>(groups_.unit_count), true),
                {},    {},
                {},    {},
                0,     {},
                ""} {
    if (plan.steps < 1) fail("a schedule of {} steps: expected 1 or more", plan.steps);
    selection_ = plan.selection;
    if (!latency_) return;
    selection_.widths = latency_->cliffs();
    save_times();
  }

  PruningResult run() {
    result_.dense =
        validate(*make_trainer_(dense_), metadata_.head, validation_, plan_.training.batch_size);
    if (plan_.resume && !plan_.journal.empty()) resume();
    Progress progress("pruning and training", "steps", training_steps(plan_.steps),
                      plan_.training.quiet);
    progress.advance(training_steps(static_cast<int>(result_.steps.size())));
    for (int step = static_cast<int>(result_.steps.size()) + 1; step <= plan_.steps; ++step) {
      run_step(step, progress);
      if (!result_.divergence.empty()) break;
      if (!plan_.journal.empty()) save();
    }
    return std::move(result_);
  }

 private:
  std::optional<LatencyModel> latency_model() {
    if (plan_.goal.unit != PruneUnit::latency) return std::nullopt;
    if (plan_.times == nullptr) fail("latency: the schedule was given no times");
    if (plan_.resume && !plan_.journal.empty()) plan_.times->load(times_path());
    return LatencyModel(dense_, groups_, *plan_.times);
  }

  std::filesystem::path times_path() const {
    std::filesystem::path path = plan_.journal;
    return path += ".times";
  }

  /// Before anything is done that depends on them.
  void save_times() const {
    if (latency_ && !plan_.journal.empty()) plan_.times->save(times_path());
  }

  std::string full_fingerprint(const std::string& rest) const {
    const ChannelSelectionOptions& s = plan_.selection;
    std::string ignored;
    for (const bool one : s.ignored) ignored += one ? '1' : '0';
    return sha256_hex(
        fmt::format("{} {}={} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", rest,
                    enum_name(plan_.goal.unit), plan_.goal.ratio, enum_name(s.scope), s.round_to,
                    s.floor_ratio, s.floor_count, ignored, enum_name(plan_.importance), plan_.steps,
                    plan_.step_epochs, plan_.statistics_batches, plan_.gradient_batches,
                    plan_.training.epochs, plan_.training.batch_size, plan_.training.learning_rate,
                    plan_.training.seed, plan_.training.patience, plan_.training.best_by_bucket));
  }

  int64_t batch_size() const {
    return std::min<int64_t>(plan_.training.batch_size, training_.size());
  }

  int epochs_of(int step) const {
    return step == plan_.steps ? plan_.training.epochs : plan_.step_epochs;
  }

  /// Optimisation steps of the schedule's first `steps` steps.
  int64_t training_steps(int steps) const {
    int64_t epochs = 0;
    for (int step = 1; step <= steps; ++step) epochs += epochs_of(step);
    return epochs * (training_.size() / batch_size());
  }

  void run_step(int step, Progress& progress) {
    PruningStep row;
    row.step = step;
    cut(step);
    row.costs = model_.costs(result_.keep);
    row.ratio = removed_ratio(plan_.goal.unit, model_.dense(), row.costs);
    renew_statistics(step);
    const std::unique_ptr<Trainer> trainer = make_trainer_(result_.graph);
    row.cut = validate(*trainer, metadata_.head, validation_, plan_.training.batch_size);
    row.trained = row.cut;
    if (!std::isfinite(row.cut.loss)) {
      result_.divergence = fmt::format("the network's outputs are not finite after step {}", step);
      return;
    }
    if (epochs_of(step) > 0) train_step(step, *trainer, row, progress);
    result_.steps.push_back(row);
  }

  void cut(int step) {
    const double part = static_cast<double>(step) / plan_.steps;
    PruneGoal goal = plan_.goal;
    if (step < plan_.steps) goal.ratio = 1 - std::pow(1 - goal.ratio, part);
    const ChannelGroups here = remaining_groups(groups_, result_.keep);
    const ChannelSelection selection = select_channels(
        dense_, groups_, model_, importance(here, step), result_.keep, goal, selection_);
    save_times();
    Cut made = cut_channels(result_.graph, here, selection.keep);
    result_.graph = std::move(made.graph);
    result_.inexact.insert(result_.inexact.end(), made.inexact.begin(), made.inexact.end());
    result_.keep = selection.keep;
  }

  std::vector<double> importance(const ChannelGroups& here, int step) const {
    const uint64_t seed = derive_seed(plan_.training.seed, kStepSeed);
    if (plan_.importance != Importance::taylor) {
      return unit_importance(result_.graph, here, plan_.importance, nullptr, seed);
    }
    const std::unique_ptr<Trainer> trainer = make_trainer_(result_.graph);
    std::vector<double> sum(result_.keep.size());
    for (int i = 0; i < plan_.gradient_batches; ++i) {
      const Graph gradients = trainer->gradients(batch(kGradientSeed, step, i));
      const std::vector<double> one =
          unit_importance(result_.graph, here, plan_.importance, &gradients);
      for (size_t unit = 0; unit < sum.size(); ++unit) sum[unit] += one[unit];
    }
    return sum;
  }

  /// A batch of pictures chosen by chance.
  TrainingBatch batch(uint64_t purpose, int step, int index) const {
    const uint64_t seed = derive_seed(
        derive_seed(derive_seed(plan_.training.seed, purpose), static_cast<uint64_t>(step)),
        static_cast<uint64_t>(index));
    Random random(seed);
    std::vector<int64_t> rows(static_cast<size_t>(batch_size()));
    for (int64_t& row : rows) row = random.below(training_.size());
    TrainingBatch made =
        make_training_batch(training_, rows, dense_.input_shape(), plan_.training.augment, seed);
    made.weights.assign(rows.size(), 1.0F);
    return made;
  }

  void renew_statistics(int step) {
    const bool any = std::any_of(dense_.nodes().begin(), dense_.nodes().end(),
                                 [](const Node& node) { return node.op == Op::batch_norm; });
    if (!any || plan_.statistics_batches == 0) return;
    const std::unique_ptr<Trainer> trainer = make_trainer_(result_.graph);
    for (int i = 0; i < plan_.statistics_batches; ++i) {
      trainer->observe(batch(kStatisticsSeed, step, i).pixels);
    }
    result_.graph = trainer->graph();
  }

  void train_step(int step, Trainer& trainer, PruningStep& row, Progress& progress) {
    TrainingPlan plan = plan_.training;
    plan.epochs = epochs_of(step);
    plan.progress = &progress;
    plan.seed = derive_seed(plan.seed, static_cast<uint64_t>(step));
    plan.resume = plan_.resume;
    if (!plan_.journal.empty()) plan.checkpoint = checkpoint_of(step);
    TrainingResult trained = train(trainer, result_.graph, metadata_.head, training_, validation_,
                                   plan, fmt::format("{} step {}", fingerprint_, step));
    if (trained.best_epoch > 0) {
      result_.graph = std::move(trained.best);
      row.trained = trained.history[static_cast<size_t>(trained.best_epoch - 1)].validation;
    }
    if (step == plan_.steps) {
      if (trained.best_epoch > 0) match_answers(row);
      result_.history = std::move(trained.history);
      result_.best_epoch = trained.best_epoch;
    }
    if (!trained.divergence.empty()) {
      result_.divergence = fmt::format("step {}: {}", step, trained.divergence);
    }
  }

  void match_answers(PruningStep& row) {
    TeacherMatch matched =
        match_teacher(result_.graph, *make_trainer_(result_.graph), validation_, plan_.training);
    if (!matched.change) return;
    result_.graph = std::move(matched.graph);
    result_.teacher_match = std::move(matched.change);
    row.trained = validate(*make_trainer_(result_.graph), metadata_.head, validation_,
                           plan_.training.batch_size);
  }

  std::filesystem::path checkpoint_of(int step) const {
    std::filesystem::path path = plan_.journal;
    return path += fmt::format(".step{}", step);
  }

  void save() {
    save_pruning_journal(plan_.journal, {fingerprint_, result_.graph, result_.keep, result_.steps},
                         metadata_);
    // What the step's training needed is of no use any more. One that is left over does no harm.
    std::error_code ignored;
    std::filesystem::remove(checkpoint_of(static_cast<int>(result_.steps.size())), ignored);
  }

  void resume() {
    std::optional<PruningJournal> saved =
        load_pruning_journal(plan_.journal, fingerprint_, result_.keep.size());
    if (!saved) return;
    result_.graph = std::move(saved->graph);
    result_.keep = std::move(saved->keep);
    result_.steps = std::move(saved->steps);
  }

  const Graph& dense_;
  const Metadata& metadata_;
  const TrainingSet& training_;
  const TrainingSet& validation_;
  const TrainerMaker& make_trainer_;
  const PruningPlan& plan_;
  const ChannelGroups groups_;  ///< of the whole network
  const std::optional<LatencyModel> latency_;
  const CostModel model_;
  ChannelSelectionOptions selection_;  ///< the plan's, with the widths that are worth having
  const std::string fingerprint_;
  PruningResult result_;
};

}  // namespace

PruningResult prune_and_train(const Graph& dense, const Metadata& metadata,
                              const TrainingSet& training, const TrainingSet& validation,
                              const TrainerMaker& make_trainer, const PruningPlan& plan,
                              const std::string& fingerprint) {
  if (training.size() < 2) {
    fail("there are {} pictures to train on, expected 2 or more; add some", training.size());
  }
  if (validation.size() == 0) {
    fail("there are no pictures to validate on; give more, or --validation");
  }
  return Schedule(dense, metadata, training, validation, make_trainer, plan, fingerprint).run();
}

}  // namespace fpcls
