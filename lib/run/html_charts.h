#pragma once

#include <vector>

#include "metrics/evaluation.h"
#include "report/document.h"

/// The charts of report.html that text forms have no need of.
namespace fpcls {

/// Precision and recall over the threshold, one plot a stage that has scores.
std::vector<Block> threshold_plots(const RunInfo& run, const Evaluation& evaluation);

/// How often a score is right against how sure it is, one plot a stage that has scores.
std::vector<Block> reliability_plots(const Evaluation& evaluation);

/// What became of the pictures that entered each stage.
Bars funnel_bars(const Evaluation& evaluation);

Bars latency_bars(const Evaluation& evaluation);

/// Accuracy, precision and recall from slice to slice. Those of classes are left out where there
/// are more than lines can be told apart.
std::vector<Block> slice_plots(const Evaluation& evaluation);

}  // namespace fpcls
