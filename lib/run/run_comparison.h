#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "metrics/comparison.h"
#include "predictions/pairing.h"

/// Two runs held against each other, picture by picture.
namespace fpcls {

struct ComparedRuns {
  PairingCounts pairing;
  Comparison comparison;
  /// Of the pictures whose answer changed, by path.
  std::unordered_map<std::string, std::string> sha256;
};

/// `base` and `candidate` are folders, stores or CSV files, as given. Both are judged by
/// `thresholds` instead of the recorded ones, where there are any. Pictures are paired by content,
/// or by path where no content is known.
ComparedRuns compare_runs(const std::string& base, const std::string& candidate,
                          const std::map<std::string, double>& thresholds, TruthOf truth);

}  // namespace fpcls
