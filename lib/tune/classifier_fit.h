#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tune/quantizing.h"

/// Solves a quantized network's classifier again: from the features that its integer layers give to
/// the logits of the network as it was.
namespace fpcls {

class ClassifierSolver {
 public:
  explicit ClassifierSolver(const QuantizingSubject& subject) : subject_(subject) {}

  /// Why the classifier of `integers` can't be solved for, or empty.
  std::string refusal(const Graph& integers) const;
  /// `integers` with the classifier that is best by `solve_again`. Only where nothing is refused.
  Graph solve(const Graph& integers, const QuantizingPlan& plan, ClassifierFit& fit);

 private:
  void find_logits(const QuantizingPlan& plan);

  QuantizingSubject subject_;
  std::vector<double> logits_;  ///< {pictures, outputs} of the network as it was, once known
};

}  // namespace fpcls
