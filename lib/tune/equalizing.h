#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tune/quantizing.h"

/// Equalises a network's channels before it is quantized, pair by pair, where that was measured to
/// help.
namespace fpcls {

/// What became of a pair of layers of which much was promised.
struct EqualizedPair {
  std::string first, second;       ///< layers
  double predicted_db = 0;         ///< less noise in the second's result
  std::optional<double> before_db, after_db;  ///< measured SQNR of the second layer
  bool kept = false;
};

struct Equalized {
  Graph folded;                            ///< the same function
  std::vector<CalibrationTensor> tensors;  ///< with new histograms of the results that were scaled
  std::vector<EqualizedPair> pairs;        ///< that were tried; empty: nothing was changed
};

/// A few pictures say what each pair would gain; where that is much, all pictures say what the
/// scaled results' histograms are, and the layers' noise is measured with the factors and without.
/// A pair's factors stay where its second layer's SQNR rose, and all of them only where the scores'
/// did not fall. Throws Interrupted where the plan's `stop` says so.
Equalized equalize(const QuantizingSubject& subject, const QuantizingPlan& plan);

}  // namespace fpcls
