#include "metrics/rejudge.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "predictions/decision.h"

namespace fpcls {

RunInfo with_accept(RunInfo run, const std::map<std::string, double>& accept) {
  for (const auto& [name, value] : accept) {
    const auto stage =
        std::find_if(run.stages.begin(), run.stages.end(),
                     [&, &wanted = name](const StageInfo& s) { return s.name == wanted; });
    if (stage == run.stages.end()) {
      std::vector<std::string> names;
      std::string all;
      for (const StageInfo& s : run.stages) {
        names.push_back(s.name);
        all += (all.empty() ? "" : ", ") + s.name;
      }
      const std::string close = closest_name(name, names);
      fail("accept: no stage is named {}, expected one of: {}{}", quoted(name), one_line(all),
           close.empty() ? "" : "; did you mean " + quoted(close) + "?");
    }
    if (!(value >= 0 && value <= 1)) {
      fail("accept: {} for stage {} is out of range, expected 0 to 1", value, quoted(name));
    }
    stage->accept = static_cast<float>(value);
  }
  return run;
}

Rejudger::Rejudger(RunInfo run) : run_(std::move(run)) {}

bool Rejudger::apply(Prediction& prediction) {
  if (!prediction.decoded()) return true;
  DecisionOrGap outcome = decide(run_, prediction.scores);
  if (!outcome.decision) {
    if (missing_++ == 0) {
      first_path_ = prediction.path;
      first_stage_ = outcome.missing_stage;
    }
    return false;
  }
  prediction.stage = outcome.decision->stage;
  prediction.predicted = std::move(outcome.decision->label);
  return true;
}

void Rejudger::finish() const {
  if (missing_ == 0) return;
  fail(
      "accept: {} pictures would go on to a stage that never scored them (the first is {}, at "
      "stage {}); evaluate with --all-stages, then judge that again",
      with_thousands(missing_), quoted(first_path_),
      quoted(run_.stages.at(static_cast<size_t>(first_stage_)).name));
}

}  // namespace fpcls
