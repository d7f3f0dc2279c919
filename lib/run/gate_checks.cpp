#include "run/gate_checks.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "config/options.h"
#include "metrics/binomial.h"
#include "metrics/floor.h"
#include "metrics/holm.h"
#include "run/evaluation_tables.h"

namespace fpcls {
namespace {

/// A check together with what its risk, once known, makes of it.
struct Pending {
  GateCheck check;
  /// The interval whose ends err with at most these risks: of failing, of passing.
  std::function<std::optional<Interval>(double, double)> interval;
  /// Pictures all together with which the answer at that risk would probably be known; the side is
  /// the one that the ratio lies on now.
  std::function<std::optional<int64_t>(double, double)> needed;
};

double ratio(int64_t part, int64_t all) {
  return static_cast<double>(part) / static_cast<double>(all);
}

Pending paired_check(CheckKind kind, const std::string& what, const std::string& subject,
                     const PairedTally& tally, double margin) {
  const PairedCounts counts = tally.counts;
  Pending pending;
  GateCheck& check = pending.check;
  check.kind = kind;
  check.what = what;
  check.subject = subject;
  check.limit = margin;
  check.base = ratio(tally.base_right, counts.n);
  check.candidate = ratio(tally.candidate_right, counts.n);
  check.drop = counts.drop();
  check.pictures = counts.n;
  check.lost = counts.lost;
  check.gained = counts.gained;
  check.identical = tally.identical;
  check.p = mcnemar_p(counts);
  check.p_fail = p_drop_at_most(counts, margin);
  check.p_pass = p_drop_at_least(counts, margin);
  pending.interval = [counts, margin](double fail_risk, double pass_risk) {
    return Interval{drop_lower_bound(counts, fail_risk, margin),
                    drop_upper_bound(counts, pass_risk, margin)};
  };
  pending.needed = [counts, margin](double fail_risk, double pass_risk) {
    return pictures_needed(counts, margin, counts.drop() > margin ? fail_risk : pass_risk);
  };
  return pending;
}

std::string bucket_name(const std::string& stage, size_t bound) {
  return fmt::format("coverage.{}.{}", stage, bucket_bounds()[bound]);
}

std::vector<Pending> paired_checks(const Comparison& comparison, double margin) {
  std::vector<Pending> all;
  const auto add = [&](CheckKind kind, const std::string& what, const std::string& subject,
                       const PairedTally& tally) {
    if (tally.counts.n > 0) all.push_back(paired_check(kind, what, subject, tally, margin));
  };
  add(CheckKind::accuracy, "accuracy", "", comparison.accuracy);
  for (const ClassComparison& c : comparison.classes) {
    add(CheckKind::recall, "recall." + c.label, c.label, c.recall);
  }
  for (const ClassComparison& c : comparison.classes) {
    add(CheckKind::specificity, "specificity." + c.label, c.label, c.specificity);
  }
  for (const BucketComparison& b : comparison.buckets) {
    for (size_t i = 0; i < b.at_least.size(); ++i) {
      add(CheckKind::coverage, bucket_name(b.stage, i), b.stage, b.at_least[i]);
    }
  }
  return all;
}

struct Count {
  int64_t successes = 0, n = 0;
};

/// What the candidate can be asked a floor of.
std::map<std::string, Count> candidate_ratios(const Comparison& comparison) {
  std::map<std::string, Count> all;
  const auto add = [&](const std::string& what, const PairedTally& tally) {
    all[what] = {tally.candidate_right, tally.counts.n};
  };
  add("accuracy", comparison.accuracy);
  for (const ClassComparison& c : comparison.classes) {
    add("recall." + c.label, c.recall);
    add("specificity." + c.label, c.specificity);
    all["precision." + c.label] = {c.recall.candidate_right, c.candidate_predicted};
  }
  for (const BucketComparison& b : comparison.buckets) {
    for (size_t i = 0; i < b.at_least.size(); ++i) add(bucket_name(b.stage, i), b.at_least[i]);
  }
  return all;
}

/// "recall.wireframe=0.97".
std::pair<std::string, double> parse_floor(const std::string& text) {
  const size_t equals = text.rfind('=');
  double value = 0;
  try {
    if (equals == std::string::npos || equals == 0) fail("");
    parse_value(text.substr(equals + 1), value);
  } catch (const Error&) {
    fail("--require is '{}', expected METRIC.NAME=RATIO such as recall.wireframe=0.97", text);
  }
  if (!(value > 0 && value < 1)) {
    fail("--require {}: the floor is {}, expected a ratio between 0 and 1, both left out", text,
         value);
  }
  return {text.substr(0, equals), value};
}

Count find_ratio(const std::map<std::string, Count>& ratios, const std::string& what) {
  const auto found = ratios.find(what);
  if (found != ratios.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, count] : ratios) names.push_back(name);
  const std::string close = closest_name(what, names);
  fail(
      "--require {}: there is no such figure{}; there are accuracy, recall.CLASS, "
      "precision.CLASS, specificity.CLASS and coverage.STAGE.BOUND, such as {}",
      what, close.empty() ? "" : ", did you mean " + close, names.back());
}

Pending floor_check(const std::string& what, Count count, double floor) {
  Pending pending;
  GateCheck& check = pending.check;
  check.kind = CheckKind::floor;
  check.what = what;
  const size_t dot = what.find('.');
  check.subject = dot == std::string::npos ? "" : what.substr(dot + 1);
  check.limit = floor;
  check.pictures = count.n;
  pending.interval = [](double, double) { return std::nullopt; };
  pending.needed = [](double, double) { return std::nullopt; };
  if (count.n == 0) return pending;  // nothing was seen: nothing is known
  check.candidate = ratio(count.successes, count.n);
  check.p_fail = p_ratio_at_least(count.successes, count.n, floor);
  check.p_pass = p_ratio_at_most(count.successes, count.n, floor);
  pending.interval = [count](double fail_risk, double pass_risk) {
    const auto at = [&](double risk) {
      return *wilson_interval(count.successes, count.n, normal_upper_quantile(risk));
    };
    return Interval{at(pass_risk).low, at(fail_risk).high};
  };
  pending.needed = [count, floor](double fail_risk, double pass_risk) {
    const bool below = ratio(count.successes, count.n) < floor;
    return pictures_needed_for_floor(count.successes, count.n, floor,
                                     below ? fail_risk : pass_risk);
  };
  return pending;
}

Pending flip_check(int64_t flips, int64_t pairs, double limit, bool identical) {
  Pending pending;
  GateCheck& check = pending.check;
  check.kind = CheckKind::flips;
  check.what = "flips";
  check.limit = limit;
  check.candidate = ratio(flips, pairs);
  check.pictures = pairs;
  check.identical = identical;
  check.p_fail = binomial_upper_tail(flips, pairs, limit);
  check.p_pass = binomial_lower_tail(flips, pairs, limit);
  pending.interval = [flips, pairs](double fail_risk, double pass_risk) {
    return Interval{exact_lower_bound(flips, pairs, fail_risk),
                    exact_upper_bound(flips, pairs, pass_risk)};
  };
  pending.needed = [flips, pairs, limit](double fail_risk,
                                         double pass_risk) -> std::optional<int64_t> {
    if (!(limit > 0 && limit < 1)) return std::nullopt;
    const bool above = ratio(flips, pairs) > limit;
    return pictures_needed_for_floor(flips, pairs, limit, above ? fail_risk : pass_risk);
  };
  return pending;
}

/// Gives each check its risk, and with it its answer.
std::vector<GateCheck> answer_all(std::vector<Pending> pending, double risk) {
  std::vector<double> p;
  for (const Pending& item : pending) p.push_back(item.check.p_fail);
  const std::vector<double> risks = holm_risks(p, risk), adjusted = holm_adjusted(p);
  std::vector<GateCheck> checks;
  for (size_t i = 0; i < pending.size(); ++i) {
    GateCheck check = std::move(pending[i].check);
    check.risk_fail = risks[i];
    check.p_fail_family = adjusted[i];
    check.interval = pending[i].interval(risks[i], risk);
    const bool fails = check.p_fail <= risks[i];
    check.answer = fails                                     ? GateAnswer::fail
                   : check.identical || check.p_pass <= risk ? GateAnswer::pass
                                                             : GateAnswer::undecided;
    if (check.answer == GateAnswer::undecided) {
      const std::optional<int64_t> needed = pending[i].needed(risks[i], risk);
      // The counts may just have been unlucky: then one more is the least that can be said.
      if (needed) check.images_needed = std::max(int64_t{1}, *needed - check.pictures);
    }
    checks.push_back(std::move(check));
  }
  return checks;
}

Pending growth_check(CheckKind kind, const Repeats& repeats, double limit) {
  Pending pending;
  GateCheck& check = pending.check;
  check.kind = kind;
  check.what = kind == CheckKind::slowdown ? "picture_ms" : "peak_rss_bytes";
  check.limit = limit;
  const auto median = [](const std::vector<double>& values) {
    std::vector<float> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    return quantile(sorted, 0.5);
  };
  check.base = median(repeats.base);
  check.candidate = median(repeats.candidate);
  check.drop = growth(repeats);
  check.pictures = static_cast<int64_t>(std::min(repeats.base.size(), repeats.candidate.size()));
  check.p_fail = p_growth_at_most(repeats, limit);
  check.p_pass = p_growth_at_least(repeats, limit);
  pending.interval = [repeats](double fail_risk, double pass_risk) -> std::optional<Interval> {
    const auto low = growth_lower_bound(repeats, fail_risk);
    const auto high = growth_upper_bound(repeats, pass_risk);
    if (!low || !high) return std::nullopt;
    return Interval{*low, *high};
  };
  pending.needed = [](double, double) { return std::nullopt; };
  return pending;
}

}  // namespace

std::vector<GateCheck> picture_checks(const Comparison& comparison, const GateLimits& limits) {
  std::vector<Pending> pending = paired_checks(comparison, limits.max_drop / 100);
  const std::map<std::string, Count> ratios = candidate_ratios(comparison);
  for (const std::string& text : limits.require) {
    const auto [what, floor] = parse_floor(text);
    pending.push_back(floor_check(what, find_ratio(ratios, what), floor));
  }
  if (limits.max_flips) {
    pending.push_back(flip_check(static_cast<int64_t>(comparison.flips.size()), comparison.pairs,
                                 *limits.max_flips / 100, comparison.identical));
  }
  return answer_all(std::move(pending), limits.risk);
}

std::vector<GateCheck> speed_checks(const RunRepeats& repeats, const GateSpeed& speed,
                                    double risk) {
  std::vector<Pending> pending;
  if (repeats.picture_ms) {
    pending.push_back(
        growth_check(CheckKind::slowdown, *repeats.picture_ms, *speed.max_slowdown / 100));
  }
  if (repeats.peak_rss_bytes) {
    pending.push_back(
        growth_check(CheckKind::memory, *repeats.peak_rss_bytes, *speed.max_memory_growth / 100));
  }
  return answer_all(std::move(pending), risk);
}

}  // namespace fpcls
