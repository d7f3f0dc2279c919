#pragma once

#include <vector>

#include "metrics/repeated.h"
#include "run/gate.h"

/// From counts to answers. Internal to lib/run.
namespace fpcls {

/// All checks that pictures decide, answered: accuracy, recall and specificity of each class, each
/// bucket of each stage, floors, flips. One family: the risk that any of them fails wrongly is at
/// most `limits.risk`, and so is the risk that all of them pass though one is beyond its limit.
/// Throws Error for a floor that nothing answers to.
std::vector<GateCheck> picture_checks(const Comparison& comparison, const GateLimits& limits);

struct RunRepeats {
  std::optional<Repeats> picture_ms;
  std::optional<Repeats> peak_rss_bytes;
};

/// Those that repeated runs decide: a family of their own.
std::vector<GateCheck> speed_checks(const RunRepeats& repeats, const GateSpeed& speed, double risk);

}  // namespace fpcls
