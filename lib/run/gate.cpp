#include "run/gate.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"
#include "run/gate_checks.h"
#include "run/gate_report.h"
#include "run/gate_runs.h"

namespace fpcls {
namespace {

/// More changed answers than this are worth a word, whether they are right or wrong.
constexpr double kManyFlips = 0.01;
constexpr size_t kLeastRepeats = 4;

bool allows(const GateOptions& options, Allowance what) {
  const std::vector<Allowance>& allow = options.comparability.allow;
  return std::find(allow.begin(), allow.end(), what) != allow.end();
}

void check_pairing(const GateResult& result, const GateOptions& options) {
  const PairingCounts& pairing = result.pairing;
  const bool by_path = result.pair_by == PairBy::path;
  if (pairing.paired == 0) {
    fail("{} and {}: have no picture in common (by {}); evaluate both on the same pictures",
         quoted(result.base_name), quoted(result.candidate_name), by_path ? "path" : "SHA-256");
  }
  if (pairing.base_only + pairing.candidate_only == 0 || allows(options, Allowance::pictures)) {
    return;
  }
  const bool in_base = pairing.base_only > 0;
  fail(
      "{} and {}: are of different pictures: {} in both, {} in the first alone, {} in the second "
      "alone ({} is one); evaluate both on the same, or judge what they share by --allow pictures",
      quoted(result.base_name), quoted(result.candidate_name), pairing.paired, pairing.base_only,
      pairing.candidate_only,
      quoted(in_base ? pairing.first_base_only : pairing.first_candidate_only));
}

void check_truth(const GateResult& result, const GateOptions& options) {
  const Comparison& comparison = result.comparison;
  if (comparison.labels_changed > 0 && options.comparability.labels == GateLabels::same) {
    fail(
        "{} and {}: {} pictures have another label in each ({} is one); evaluate both with the "
        "same labels, or say whose hold by --labels base or --labels candidate",
        quoted(result.base_name), quoted(result.candidate_name), comparison.labels_changed,
        quoted(comparison.first_changed));
  }
  if (comparison.judged == 0 && !options.limits.max_flips) {
    fail(
        "{} and {}: no picture has a label, so neither answer is known to be right; evaluate with "
        "labels, or judge changed answers alone by --max-flips",
        quoted(result.base_name), quoted(result.candidate_name));
  }
}

class Remarks {
 public:
  explicit Remarks(std::vector<std::string>& all) : all_(all) {}

  /// Where `number` isn't 0; `text` begins with what is counted.
  void count(int64_t number, const char* text) {
    if (number > 0) all_.push_back(with_thousands(number) + " " + text);
  }
  void say(std::string text) { all_.push_back(std::move(text)); }

 private:
  std::vector<std::string>& all_;
};

void add_remarks(GateResult& result) {
  Remarks remarks(result.remarks);
  const PairingCounts& pairing = result.pairing;
  const Comparison& c = result.comparison;
  remarks.count(pairing.base_only, "pictures are in the base alone, and aren't judged");
  remarks.count(pairing.candidate_only, "pictures are in the candidate alone, and aren't judged");
  remarks.count(pairing.base_unread, "files of the base couldn't be read, and aren't judged");
  remarks.count(pairing.candidate_unread,
                "files of the candidate couldn't be read, and aren't judged");
  remarks.count(c.undecodable, "pictures couldn't be decoded in either run");
  remarks.count(c.base_undecodable,
                "pictures couldn't be decoded in the base alone: it counts as wrong there");
  remarks.count(c.candidate_undecodable,
                "pictures couldn't be decoded in the candidate alone: it counts as wrong there");
  remarks.count(c.labels_changed, "pictures have another label in each run");
  remarks.count(c.labels_missing, "pictures have a label in one run alone, which holds for both");
  remarks.count(c.pairs - c.judged,
                "pictures have no label: only their changed answers are listed");
  for (const ClassComparison& one : c.classes) {
    if (one.recall.counts.n == 0 && c.judged > 0) {
      remarks.say(
          fmt::format("no picture is labelled {}: its recall isn't judged", quoted(one.label)));
    }
  }
  for (const BucketComparison& b : c.buckets) {
    if (b.base_only + b.candidate_only > 0) {
      remarks.say(fmt::format(
          "stage {} saw {} pictures in the base alone and {} in the candidate alone, which its "
          "buckets leave out; --all-stages would show them",
          quoted(b.stage), with_thousands(b.base_only), with_thousands(b.candidate_only)));
    }
  }
  const double flips = static_cast<double>(c.flips.size()) / static_cast<double>(c.pairs);
  if (flips > kManyFlips) {
    remarks.say(fmt::format(
        "{:.2f} % of the answers changed, which is more than {:.0f} %: look at them even where "
        "gains make up for losses",
        100 * flips, 100 * kManyFlips));
  }
}

/// The figures of all runs of a side, those of the gate itself among them.
std::vector<RunCost> side_costs(const std::string& first, const std::vector<std::string>& others) {
  std::vector<RunCost> costs = {run_cost(first)};
  for (const std::string& run : others) costs.push_back(run_cost(run));
  return costs;
}

void check_repeats(const std::vector<RunCost>& base, const std::vector<RunCost>& candidate,
                   bool other_machine_allowed) {
  if (base.size() < kLeastRepeats || candidate.size() < kLeastRepeats) {
    fail(
        "--max-slowdown and --max-memory-growth need repeated runs (got {} of the base and {} of "
        "the candidate, expected at least {} each); name more by --base-run and --candidate-run",
        base.size(), candidate.size(), kLeastRepeats);
  }
  for (const std::vector<RunCost>* side : {&base, &candidate}) {
    for (const RunCost& cost : *side) {
      if (cost.cpu == base[0].cpu || other_machine_allowed) continue;
      fail(
          "speed was measured on a {} and on a {}: the machines would be judged; measure both on "
          "one, in turns, or pass --allow machine",
          quoted(base[0].cpu), quoted(cost.cpu));
    }
  }
}

std::optional<Repeats> repeats_of(const std::vector<RunCost>& base,
                                  const std::vector<RunCost>& candidate, double RunCost::*figure,
                                  const char* what) {
  Repeats repeats;
  for (const RunCost& cost : base) repeats.base.push_back(cost.*figure);
  for (const RunCost& cost : candidate) repeats.candidate.push_back(cost.*figure);
  for (const std::vector<double>* side : {&repeats.base, &repeats.candidate}) {
    if (std::any_of(side->begin(), side->end(), [](double value) { return !(value > 0); })) {
      fail(
          "a run knows nothing of its {}: was it killed, or all of it out of the cache? Leave it "
          "out",
          what);
    }
  }
  return repeats;
}

/// The same run twice is no second measurement.
void check_distinct(const GateOptions& options) {
  std::vector<std::string> runs = options.runs;
  runs.insert(runs.end(), options.speed.base_run.begin(), options.speed.base_run.end());
  runs.insert(runs.end(), options.speed.candidate_run.begin(), options.speed.candidate_run.end());
  for (size_t i = 0; i < runs.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      std::error_code ignored;
      if (!std::filesystem::equivalent(runs[i], runs[j], ignored)) continue;
      fail("{} is given twice; speed needs runs of their own", quoted(runs[i]));
    }
  }
}

std::vector<GateCheck> judge_speed(const GateOptions& options) {
  const GateSpeed& speed = options.speed;
  if (!speed.max_slowdown && !speed.max_memory_growth) {
    if (!speed.base_run.empty() || !speed.candidate_run.empty()) {
      fail("--base-run and --candidate-run are for speed; pass --max-slowdown as well");
    }
    return {};
  }
  check_distinct(options);
  const std::vector<RunCost> base = side_costs(options.runs[0], speed.base_run);
  const std::vector<RunCost> candidate = side_costs(options.runs[1], speed.candidate_run);
  check_repeats(base, candidate, allows(options, Allowance::machine));
  RunRepeats repeats;
  if (speed.max_slowdown) {
    repeats.picture_ms = repeats_of(base, candidate, &RunCost::picture_ms, "speed");
  }
  if (speed.max_memory_growth) {
    repeats.peak_rss_bytes = repeats_of(base, candidate, &RunCost::peak_rss_bytes, "memory");
  }
  return speed_checks(repeats, speed, options.limits.risk);
}

void conclude(GateResult& result, const std::optional<Undecided>& undecided) {
  const auto any = [&](GateAnswer answer) {
    return std::any_of(result.checks.begin(), result.checks.end(),
                       [&](const GateCheck& check) { return check.answer == answer; });
  };
  result.answer = any(GateAnswer::fail)        ? GateAnswer::fail
                  : any(GateAnswer::undecided) ? GateAnswer::undecided
                                               : GateAnswer::pass;
  result.undecided_code = !undecided ? 3 : *undecided == Undecided::pass ? 0 : 1;
  result.exit_code = result.answer == GateAnswer::pass   ? 0
                     : result.answer == GateAnswer::fail ? 1
                                                         : result.undecided_code;
}

}  // namespace

GateResult run_gate(const GateOptions& options) {
  if (options.runs.size() != 2) {
    fail("{} runs given, expected two: the base, then the candidate", options.runs.size());
  }
  const GateOutputFolder folder(options);
  GateResult result;
  std::vector<GateCheck> speed = judge_speed(options);
  GateRun base = open_gate_run(options.runs[0], nullptr);
  GateRun candidate = open_gate_run(options.runs[1], &base);
  if (!base.is_store && candidate.is_store) base = open_gate_run(options.runs[0], &candidate);
  check_comparable(base, candidate, options.comparability.allow);
  result.base_name = base.name;
  result.candidate_name = candidate.name;
  result.base = base.run;
  result.candidate = candidate.run;
  result.risk = options.limits.risk;
  result.max_drop = options.limits.max_drop / 100;
  for (const GateRun* run : {&base, &candidate}) {
    result.remarks.insert(result.remarks.end(), run->remarks.begin(), run->remarks.end());
  }
  result.differences = run_differences(base.run, candidate.run);
  const bool by_content = base.knows_content && candidate.knows_content;
  result.pair_by = by_content ? PairBy::content : PairBy::path;
  const RowOrder order = by_content ? RowOrder::content : RowOrder::path;
  ComparisonAccumulator accumulator(
      base.run, candidate.run,
      options.comparability.labels == GateLabels::candidate ? TruthOf::candidate : TruthOf::base);
  result.pairing = for_each_pair(
      base.sorted(order), candidate.sorted(order), result.pair_by,
      [&](const Prediction& before, const Prediction& now) { accumulator.add(before, now); });
  check_pairing(result, options);
  result.comparison = accumulator.result();
  if (result.comparison.pairs == 0) {
    fail("{} and {}: no picture could be decoded; there is nothing to judge",
         quoted(result.base_name), quoted(result.candidate_name));
  }
  check_truth(result, options);
  result.checks = picture_checks(result.comparison, options.limits);
  result.checks.insert(result.checks.end(), speed.begin(), speed.end());
  add_remarks(result);
  conclude(result, options.limits.undecided);
  folder.write(result);
  return result;
}

}  // namespace fpcls
