#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "base/range.h"
#include "metrics/comparison.h"
#include "predictions/pairing.h"
#include "predictions/prediction.h"

/// Did it get worse? Two runs over the same pictures, paired by content, and a yes, a no or a "too
/// few pictures to say" for every class and bucket, with the risk of a wrong answer held over all of
/// them together.
namespace fpcls {

enum class GateAnswer { pass, fail, undecided };

template <>
struct EnumNames<GateAnswer> {
  static constexpr std::pair<GateAnswer, std::string_view> entries[] = {
      {GateAnswer::pass, "pass"},
      {GateAnswer::fail, "fail"},
      {GateAnswer::undecided, "undecided"}};
};

enum class GateFormat { text, markdown, json, csv, junit };

template <>
struct EnumNames<GateFormat> {
  static constexpr std::pair<GateFormat, std::string_view> entries[] = {
      {GateFormat::text, "text"},
      {GateFormat::markdown, "markdown"},
      {GateFormat::json, "json"},
      {GateFormat::csv, "csv"},
      {GateFormat::junit, "junit"}};
};

enum class Undecided { pass, fail };

template <>
struct EnumNames<Undecided> {
  static constexpr std::pair<Undecided, std::string_view> entries[] = {
      {Undecided::pass, "pass"}, {Undecided::fail, "fail"}};
};

enum class GateLabels { same, base, candidate };

template <>
struct EnumNames<GateLabels> {
  static constexpr std::pair<GateLabels, std::string_view> entries[] = {
      {GateLabels::same, "same"}, {GateLabels::base, "base"}, {GateLabels::candidate, "candidate"}};
};

/// What is refused, because the answer would mislead, unless it is asked for.
enum class Allowance { pictures, unfinished, isa, machine };

template <>
struct EnumNames<Allowance> {
  static constexpr std::pair<Allowance, std::string_view> entries[] = {
      {Allowance::pictures, "pictures"},
      {Allowance::unfinished, "unfinished"},
      {Allowance::isa, "isa"},
      {Allowance::machine, "machine"}};
};

struct GateOutput {
  GateFormat format = GateFormat::text;
  bool quiet = false;
  bool verbose = false;

  template <class Visitor>
  void describe(Visitor& v) {
    v.option("format", format, "Form of what goes to stdout");
    v.option("quiet", quiet, "No remarks");
    v.option("verbose", verbose, "Say what is run, and on what");
  }
};

/// What fails.
struct GateLimits {
  double max_drop = 0.3;
  std::vector<std::string> require;
  std::optional<double> max_flips;
  double risk = 0.05;
  std::optional<Undecided> undecided;

  template <class Visitor>
  void describe(Visitor& v) {
    v.option("max_drop", max_drop,
             "Fail where a class or bucket certainly dropped by more than so many points",
             Range{0.0, 99.0});
    v.option("require", require,
             "Ask the candidate for a floor, such as recall.wireframe=0.97; may be given again");
    v.option("max_flips", max_flips,
             "Fail when certainly more than this percentage of the answers changed",
             Range{0.0, 100.0});
    v.option("risk", risk, "Of failing, or of passing, wrongly: over all checks together",
             Range{1e-4, 0.4});
    v.option("undecided", undecided, "What too few pictures count as, instead of exit code 3");
  }
};

/// What may differ between the runs.
struct GateComparability {
  GateLabels labels = GateLabels::same;
  std::vector<Allowance> allow;

  template <class Visitor>
  void describe(Visitor& v) {
    v.option("labels", labels, "Whose labels to judge by where the runs' differ; same: refuse");
    v.option("allow", allow,
             "Compare though pictures are missing in one run, a run is unfinished, an int8 model "
             "ran on another isa, or speed was measured on another machine");
  }
};

/// Whether it got slower or larger, which only repeated runs can tell.
struct GateSpeed {
  std::optional<double> max_slowdown;
  std::optional<double> max_memory_growth;
  std::vector<std::string> base_run;
  std::vector<std::string> candidate_run;

  template <class Visitor>
  void describe(Visitor& v) {
    v.option("max_slowdown", max_slowdown,
             "Fail when a picture certainly takes more than this percentage longer",
             Range{0.0, 1000.0});
    v.option("max_memory_growth", max_memory_growth,
             "Fail when a run certainly takes more than this percentage more memory",
             Range{0.0, 1000.0});
    v.option("base_run", base_run, "The base once more, for speed; give 3 or more");
    v.option("candidate_run", candidate_run, "The candidate once more, for speed; 3 or more");
  }
};

struct GateOptions {
  std::vector<std::string> runs;
  GateLimits limits;
  GateComparability comparability;
  GateSpeed speed;
  std::string out;
  bool force = false;
  std::vector<std::string> pictures;
  GateOutput output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("runs", runs,
                 "The run to hold against, then the run to judge: folders that evaluate wrote, "
                 "their predictions.sqlite, or .csv made elsewhere");
    v.group("Limits", limits);
    v.group("What is compared", comparability);
    v.group("Speed and memory", speed);
    v.option("o,out", out, 
             "Folder for gate.html, gate.json, gate.md, gate.xml, checks.csv and flips.csv");
    v.option("force", force, "Replace the answer that the folder holds");
    v.option("pictures", pictures,
             "Where gate.html finds the pictures now, if not where the runs did; may be given again");
    v.group("Output", output);
  }
};

/// Which question a check asks. `coverage` is that of a bucket.
enum class CheckKind { accuracy, recall, specificity, coverage, floor, flips, slowdown, memory };

/// One question with its answer. Ratios are of 0..1; what doesn't apply to a kind is absent.
struct GateCheck {
  CheckKind kind = CheckKind::accuracy;
  std::string what;     ///< "recall.wireframe", "coverage.photo.0.9"
  std::string subject;  ///< the class or stage
  double limit = 0;     ///< the drop, share or growth that is allowed, or the floor
  std::optional<double> base, candidate;
  /// How much worse: base - candidate, or the growth of what should be small.
  std::optional<double> drop;
  /// Of `drop`; of a floor's or the flips' `candidate`. Each end errs with at most the risk, the
  /// end that can fail with at most the check's part of it.
  std::optional<Interval> interval;
  int64_t pictures = 0;  ///< or pairs of runs
  int64_t lost = 0, gained = 0;
  std::optional<double> p;  ///< McNemar's, exact, two-sided: that anything changed at all
  double p_fail = 1;        ///< of "within the limit"
  double p_fail_family = 1; ///< the same, adjusted by Holm for the whole family
  double p_pass = 1;        ///< of "beyond the limit"
  double risk_fail = 0;     ///< what `p_fail` is held against
  bool identical = false;
  GateAnswer answer = GateAnswer::undecided;
  std::optional<int64_t> images_needed;  ///< how many more, while undecided
};

/// Something that isn't the same in both runs, besides what the pictures say.
struct RunDifference {
  std::string what, base, candidate;
};

struct GateResult {
  std::string base_name, candidate_name;
  RunInfo base, candidate;
  PairBy pair_by = PairBy::content;
  PairingCounts pairing;
  Comparison comparison;
  std::vector<GateCheck> checks;
  std::vector<RunDifference> differences;
  std::vector<std::string> remarks;  ///< what the answer leaves out, one line each
  double risk = 0;
  double max_drop = 0;  ///< 0..1
  GateAnswer answer = GateAnswer::undecided;
  int undecided_code = 3;  ///< what an undecided answer exits with
  int exit_code = 3;
};

/// Pairs and judges. Throws Error where the runs can't be compared, or where the answer would
/// mislead and isn't asked for all the same.
GateResult run_gate(const GateOptions& options);

}  // namespace fpcls
