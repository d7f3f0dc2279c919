#pragma once

#include "metrics/evaluation.h"
#include "report/document.h"

/// The tables that a document and the CSV files share.
namespace fpcls {

/// One row a class: the columns of the V2.0 acceptance tables for people, all counts in CSV.
Table classes_table(const std::vector<ClassMetrics>& classes);

/// One row a stage.
Table funnel_table(const std::vector<FunnelStage>& funnel);

/// One row and one column a label. For at most `kLabelsShown` labels: more can't be read.
Table confusion_table(const Confusion& confusion);
constexpr size_t kLabelsShown = 40;

/// The first `most` of them, with a caption that says so.
Table bad_images_table(const std::vector<BadImage>& bad_images, size_t most);

/// One row a phase.
Table latency_table(const std::vector<PhaseLatency>& latency);

/// The bounds as decimal numbers: 0.8, where the float is 0.800000012.
std::vector<double> bucket_bounds();

/// Of the pictures that the run went through; absent where it isn't known how long it took.
std::optional<double> images_per_second(const RunInfo& run, const Evaluation& evaluation);

/// `value` in the fewest digits that give the same float again.
double as_decimal(float value);

}  // namespace fpcls
