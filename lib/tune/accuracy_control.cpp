#include "tune/accuracy_control.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/progress.h"
#include "base/stopwatch.h"
#include "tune/control_journal.h"

namespace fpcls {
namespace {

/// Tried before any layer is restored, where the ranges are left to the program: they cost nothing.
constexpr std::array kOtherMethods = {RangeMethod::minmax, RangeMethod::percentile};

/// The integer or bf16 layer with the least signal over its own noise. One integer layer has to
/// stay.
void find_next(const QuantizingResult& made, ControlTrial& trial) {
  const auto integers = std::count_if(made.layers.begin(), made.layers.end(),
                                      [](const Int8Layer& layer) { return layer.int8; });
  std::set<std::string> restorable;
  for (const Int8Layer& layer : made.layers) {
    if (layer.bf16 || (layer.int8 && integers > 1)) restorable.insert(layer.name);
  }
  std::vector<WalkedLayer> layers;
  for (const WalkedLayer& layer : made.walk) {
    if (restorable.count(layer.name) != 0) layers.push_back(layer);
  }
  const int worst = worst_injected(layers);
  if (worst < 0) return;
  const WalkedLayer& layer = layers[static_cast<size_t>(worst)];
  trial.next = layer.name;
  for (const Rounded& rounded : made.rounded) {
    if (rounded.name != layer.result) continue;
    trial.next_result = rounded.name;
    trial.next_method = rounded.choice.method;
  }
}

/// What the next trial is.
struct Candidate {
  RangeMethod method = RangeMethod::automatic;
  std::vector<std::pair<std::string, RangeMethod>> other_ranges;
  std::vector<std::string> kept, kept_bf16;
};

Candidate candidate_of(const ControlTrial& trial) {
  return {trial.method, trial.other_ranges, trial.kept, trial.kept_bf16};
}

/// Steps of restoring: from integers to bf16 is one, to f32 two.
size_t restored_steps(const ControlTrial& trial) {
  return 2 * trial.kept.size() + trial.kept_bf16.size();
}

/// Where the whole range was too wide, one that cuts; else the whole.
RangeMethod other_than(RangeMethod method) {
  return method == RangeMethod::minmax ? RangeMethod::percentile : RangeMethod::minmax;
}

bool has_range_for(const ControlTrial& trial, const std::string& result) {
  return std::any_of(trial.other_ranges.begin(), trial.other_ranges.end(),
                     [&](const auto& other) { return other.first == result; });
}

class Controller {
 public:
  Controller(Quantizer& quantizer, const ControlPictures& pictures, const JudgedScores& before,
             const ControlPlan& plan)
      : quantizer_(quantizer),
        pictures_(pictures),
        before_(figures_of(before, pictures.set, pictures.head)),
        plan_(plan),
        journal_(plan) {}

  ControlResult run() {
    std::string ended;
    try {
      while (const auto candidate = next(ended)) try_out(*candidate);
    } catch (const Interrupted&) {
      if (trials().empty()) throw;
      ended = "it was interrupted";
    }
    const size_t chosen = best();
    if (!made_ || made_of_ != chosen) make(chosen);
    return {std::move(*made_),         trials(),        chosen, std::move(scores_),
            reached(trials()[chosen]), std::move(ended)};
  }

 private:
  const std::vector<ControlTrial>& trials() const { return journal_.trials(); }
  bool reached(const ControlTrial& trial) const {
    return trial.shift_points <= plan_.max_shift_points;
  }

  size_t best() const {
    const auto found = std::min_element(trials().begin(), trials().end(),
                                        [](const ControlTrial& a, const ControlTrial& b) {
                                          return a.shift_points < b.shift_points;
                                        });
    return static_cast<size_t>(found - trials().begin());
  }

  /// Depends on the trials before alone, so that a resumed search takes the same way.
  std::optional<Candidate> next(std::string& ended) const {
    const Int8Options& base = quantizer_.plan().int8;
    const size_t done = trials().size();
    if (done == 0) return Candidate{base.method, {}, {}, {}};
    if (reached(trials()[best()])) return std::nullopt;
    const size_t ranges =
        base.method == RangeMethod::automatic ? 1 + kOtherMethods.size() : size_t{1};
    if (watch_.seconds() > 60 * plan_.minutes) {
      ended = "the time is up";
      return std::nullopt;
    }
    if (done < ranges) return Candidate{kOtherMethods[done - 1], {}, {}, {}};
    const ControlTrial& now = trials()[reached_so_far(ranges)];
    if (now.next.empty()) {
      ended = "no layer is left to restore";
      return std::nullopt;
    }
    Candidate candidate = candidate_of(now);
    if (is_bf16(now, now.next)) {
      restore(now.next, candidate);
    } else if (ranges > 1 && !now.next_result.empty() && !was_tried(now.next_result)) {
      candidate.other_ranges.emplace_back(now.next_result, other_than(now.next_method));
    } else if (plan_.bf16_first) {
      candidate.kept_bf16.push_back(now.next);
    } else {
      restore(now.next, candidate);
    }
    return candidate;
  }

  bool is_bf16(const ControlTrial& trial, const std::string& layer) const {
    return quantizer_.plan().int8.in_bf16.count(layer) != 0 ||
           std::count(trial.kept_bf16.begin(), trial.kept_bf16.end(), layer) != 0;
  }

  static void restore(const std::string& layer, Candidate& candidate) {
    std::vector<std::string>& bf16 = candidate.kept_bf16;
    bf16.erase(std::remove(bf16.begin(), bf16.end(), layer), bf16.end());
    candidate.kept.push_back(layer);
  }

  bool was_tried(const std::string& result) const {
    return std::any_of(trials().begin(), trials().end(), [&](const ControlTrial& trial) {
      return has_range_for(trial, result);
    });
  }

  /// The trial to go on from: a layer's other range is kept where it made the shift smaller, its
  /// restored weights always.
  size_t reached_so_far(size_t ranges) const {
    size_t now = 0;
    for (size_t i = 1; i < trials().size(); ++i) {
      const bool restored =
          i >= ranges && restored_steps(trials()[i]) > restored_steps(trials()[now]);
      if (restored || trials()[i].shift_points < trials()[now].shift_points) now = i;
    }
    return now;
  }

  QuantizingResult quantized(const Candidate& candidate) {
    Int8Options options = quantizer_.plan().int8;
    options.method = candidate.method;
    options.keep.insert(candidate.kept.begin(), candidate.kept.end());
    options.in_bf16.insert(candidate.kept_bf16.begin(), candidate.kept_bf16.end());
    options.other_methods.insert(candidate.other_ranges.begin(), candidate.other_ranges.end());
    return quantizer_.make(options);
  }

  JudgedScores judged(Executor& executor) const {
    const QuantizingPlan& plan = quantizer_.plan();
    Progress progress("judging", "pictures", pictures_.set.size(), plan.quiet);
    return judge_scores(executor, pictures_.head, pictures_.accept, pictures_.set, plan.workers,
                        [&] {
                          if (plan.stop()) throw Interrupted();
                          progress.advance();
                        });
  }

  std::unique_ptr<Executor> runner(const QuantizingResult& made) const {
    return make_runner(made.graph, quantizer_.subject().preprocessing);
  }

  void try_out(const Candidate& candidate) {
    QuantizingResult made = quantized(candidate);
    const auto executor = runner(made);
    JudgedScores scores = judged(*executor);
    ControlTrial trial;
    trial.method = candidate.method;
    trial.other_ranges = candidate.other_ranges;
    trial.kept = candidate.kept;
    trial.kept_bf16 = candidate.kept_bf16;
    trial.figures = figures_of(scores, pictures_.set, pictures_.head);
    trial.shift_points = largest_shift_points(before_, trial.figures);
    trial.ms = picture_ms(*executor, quantizer_.subject().pictures.read(0));
    trial.weight_bytes = weight_bytes(made.graph);
    find_next(made, trial);
    journal_.add(trial);
    plan_.report(trial);
    const std::vector<size_t> unbeaten = pareto_trials(trials());
    if (std::count(unbeaten.begin(), unbeaten.end(), trials().size() - 1) != 0) {
      plan_.unbeaten(made, trials());
    }
    if (best() + 1 != trials().size()) return;
    made_ = std::move(made);
    made_of_ = best();
    scores_ = std::move(scores);
  }

  /// A trial of the journal once more.
  void make(size_t index) {
    const ControlTrial& trial = trials()[index];
    made_ = quantized(candidate_of(trial));
    made_of_ = index;
    scores_ = judged(*runner(*made_));
  }

  Quantizer& quantizer_;
  const ControlPictures& pictures_;
  ScoreFigures before_;
  const ControlPlan& plan_;
  ControlJournal journal_;
  Stopwatch watch_;
  std::optional<QuantizingResult> made_;
  size_t made_of_ = 0;
  JudgedScores scores_;
};

}  // namespace

ControlResult control_accuracy(Quantizer& quantizer, const ControlPictures& pictures,
                               const JudgedScores& before, const ControlPlan& plan) {
  return Controller(quantizer, pictures, before, plan).run();
}

std::vector<size_t> pareto_trials(const std::vector<ControlTrial>& trials) {
  std::vector<size_t> kept;
  const auto beats = [](const ControlTrial& a, const ControlTrial& b) {
    const bool no_worse =
        a.shift_points <= b.shift_points && a.ms <= b.ms && a.weight_bytes <= b.weight_bytes;
    return no_worse &&
           (a.shift_points < b.shift_points || a.ms < b.ms || a.weight_bytes < b.weight_bytes);
  };
  for (size_t i = 0; i < trials.size(); ++i) {
    const bool beaten = std::any_of(trials.begin(), trials.end(), [&](const ControlTrial& other) {
      return beats(other, trials[i]);
    });
    if (!beaten) kept.push_back(i);
  }
  std::sort(kept.begin(), kept.end(),
            [&](size_t a, size_t b) { return trials[a].shift_points < trials[b].shift_points; });
  return kept;
}

double picture_ms(Executor& executor, const Tensor& input) {
  constexpr int kFewest = 3, kMost = 51;
  constexpr double kEnoughSeconds = 0.3;
  executor.run(input);
  std::vector<double> times;
  const Stopwatch watch;
  while (times.size() < kFewest || (watch.seconds() < kEnoughSeconds && times.size() < kMost)) {
    const Stopwatch one;
    executor.run(input);
    times.push_back(one.ms());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

int64_t weight_bytes(const Graph& graph) {
  int64_t bytes = 0;
  for (const Node& node : graph.nodes()) {
    for (const auto& [key, weight] : node.weights) bytes += weight.size_bytes();
  }
  return bytes;
}

}  // namespace fpcls
