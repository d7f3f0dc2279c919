#include "run/prune.h"

#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "config/options.h"
#include "run/pruner.h"
#include "tune/ratio_search.h"

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

/// What a search removes a share of.
PruneUnit unit_of_search(const PruneOptions& options) {
  if (options.remove.empty()) return PruneUnit::macs;
  const std::optional<PruneUnit> unit = enum_value<PruneUnit>(options.remove[0]);
  if (!unit || options.remove.size() > 1) {
    fail("--remove {}: --max-shift finds the ratio itself; name one unit alone: {}",
         quoted(options.remove[0]), enum_choices<PruneUnit>());
  }
  return *unit;
}

void check_search(const PruneOptions& options) {
  if (options.plan) fail("--max-shift: takes trainings, --plan makes none; leave one out");
  if (options.fine_tune.train.empty()) {
    fail("--max-shift: each ratio is trained and validated; pass --train");
  }
}

void check_training(const PruneOptions& options, size_t goals) {
  const FineTuneOptions& tune = options.fine_tune;
  if (tune.train.empty()) {
    const char* needs = !tune.validation.empty()        ? "validation"
                        : !tune.teacher.empty()         ? "teacher"
                        : !tune.journal.empty()         ? "journal"
                        : tune.feature_distillation > 0 ? "feature-distillation"
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

void check_out(const PruneOptions& options) {
  if (!options.plan && options.out.empty()) {
    fail("no file to write the model to; pass -o FILE.safetensors, or --plan to see what would go");
  }
}

/// A path that can't be written fails before the long work.
void check_can_write(const std::string& path) { AtomicFile file(path); }

PruneResult prune_each(const PruneOptions& options, const std::vector<PruneGoal>& goals) {
  Pruner pruner(options);
  std::vector<PruneCase> cases;
  for (const PruneGoal& goal : goals) cases.push_back(pruner.cut(goal));
  if (!options.plan) {
    for (PruneCase& made : cases) {
      const bool several = goals.size() > 1;
      made.result.out = several ? name_for(made.result.goal, options.out) : options.out;
      check_can_write(made.result.out);
    }
    pruner.open_training();
    for (PruneCase& made : cases) pruner.finish(made, options.fine_tune.journal);
  }
  pruner.measure(cases);
  PruneResult result;
  result.models = results_of(std::move(cases));
  return result;
}

/// Each trial has a journal of its own, so that a search that is resumed makes the same trials
/// again from what is there.
PruneResult prune_within(const PruneOptions& options, PruneUnit unit) {
  check_can_write(options.out);
  Pruner pruner(options);
  pruner.cut({unit, 0});
  pruner.open_training();
  std::vector<PruneCase> cases;
  const auto attempt = [&](double ratio) -> std::optional<RatioTrial> {
    const PruneGoal goal{unit, ratio};
    std::optional<PruneCase> made = pruner.cut_if_reachable(goal);
    if (!made) return std::nullopt;
    made->result.out = name_for(goal, options.out);
    const std::string& journal = options.fine_tune.journal;
    pruner.finish(*made, journal.empty() ? "" : name_for(goal, journal));
    cases.push_back(std::move(*made));
    return RatioTrial{ratio, 1 - ratio, *cases.back().result.shift_points};
  };
  const Stopwatch watch;
  constexpr double kMinute_s = 60;
  const RatioAnswer answer = search_ratio({*options.max_shift, kMinute_s * options.minutes},
                                          attempt, [&] { return watch.seconds(); });
  const std::vector<bool> smallest_for_shift = pareto_set(answer.trials);
  for (size_t i = 0; i < cases.size(); ++i) {
    if (smallest_for_shift[i]) continue;
    std::filesystem::remove(cases[i].result.out);
    cases[i].result.out.clear();
  }
  if (answer.best) write_file(options.out, read_file(cases[*answer.best].result.out));
  pruner.measure(cases);
  return {results_of(std::move(cases)), options.max_shift, answer.best, answer.out_of_time};
}

}  // namespace

PruneResult run_prune(const PruneOptions& options) {
  if (options.max_shift) {
    const PruneUnit unit = unit_of_search(options);
    check_search(options);
    check_training(options, 1);
    check_out(options);
    return prune_within(options, unit);
  }
  const std::vector<PruneGoal> goals = goals_of(options);
  check_training(options, goals.size());
  check_out(options);
  return prune_each(options, goals);
}

}  // namespace fpcls
