#include "run/run_comparison.h"

#include "metrics/rejudge.h"
#include "run/gate_runs.h"

namespace fpcls {
namespace {

using Thresholds = std::map<std::string, double>;

/// `run` in the wanted order, decided by the thresholds.
SortedSource judged(const GateRun& run, const Thresholds& thresholds, RowOrder order) {
  SortedSource next = run.sorted(order);
  if (thresholds.empty()) return next;
  return [next, rejudger = Rejudger(with_accept(run.run, thresholds))](Prediction& p) mutable {
    return next(p) && (rejudger.apply(p), true);
  };
}

ComparedRuns compare(const std::string& base_input, const std::string& candidate_input,
                     const Thresholds& thresholds, TruthOf truth, PairBy by) {
  const GateRun base = open_gate_run(base_input, nullptr);
  const GateRun candidate = open_gate_run(candidate_input, &base);
  const RowOrder order = by == PairBy::content ? RowOrder::content : RowOrder::path;
  ComparisonAccumulator accumulator(base.run, candidate.run, truth);
  ComparedRuns compared;
  compared.pairing =
      for_each_pair(judged(base, thresholds, order), judged(candidate, thresholds, order), by,
                    [&](const Prediction& before, const Prediction& now) {
                      accumulator.add(before, now);
                      if (before.predicted != now.predicted) compared.sha256[now.path] = now.sha256;
                    });
  compared.comparison = accumulator.result();
  return compared;
}

}  // namespace

ComparedRuns compare_runs(const std::string& base, const std::string& candidate,
                          const Thresholds& thresholds, TruthOf truth) {
  ComparedRuns compared = compare(base, candidate, thresholds, truth, PairBy::content);
  if (compared.pairing.paired > 0) return compared;
  return compare(base, candidate, thresholds, truth, PairBy::path);
}

}  // namespace fpcls
