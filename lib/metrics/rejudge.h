#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "predictions/prediction.h"

/// Judging stored scores again under other thresholds, without inference.
namespace fpcls {

/// `run` with the accept value of the named stages changed. Throws Error for an unknown stage, or a
/// value outside 0..1.
RunInfo with_accept(RunInfo run, const std::map<std::string, double>& accept);

/// Decides predictions again by the cascade's rule. A run with early exit has no scores of the
/// stages after the one that accepted; a picture that would now go on to such a stage can't be
/// judged, and an answer that leaves it out, or keeps it as it was, would be no answer. So `finish`
/// throws an Error then that says how many there are and to run with --all-stages.
class Rejudger {
 public:
  /// `run` holds the thresholds to judge by.
  explicit Rejudger(RunInfo run);

  /// Sets `predicted` and `stage`; leaves what couldn't be decoded. Returns false, and counts it,
  /// where a score is missing.
  bool apply(Prediction& prediction);
  void finish() const;

  int64_t missing() const { return missing_; }

 private:
  RunInfo run_;
  int64_t missing_ = 0;
  std::string first_path_;
  int first_stage_ = -1;
};

}  // namespace fpcls
