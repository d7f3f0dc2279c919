#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/evaluation.h"
#include "predictions/prediction.h"
#include "predictions/store.h"
#include "report/document.h"
#include "run/html_report.h"

/// An evaluation as people and programs read it: the document with the acceptance tables, the JSON
/// of report.json, and the folder of files that `evaluate --out` and `report --out` write.
namespace fpcls {

/// The whole report. Sections that have nothing to say are left out; where pictures have no labels
/// the report says so and counts what each stage accepted instead. Tables by name: classes,
/// accepted, buckets, funnel, confusion, slices, slice_precision, slice_recall, latency,
/// bad_images, errors. The last two show the first few rows only.
Document evaluation_document(const RunInfo& run, const Evaluation& evaluation);

/// The part of it that a person at a terminal wants to see when a run ends: no charts, no
/// confusion, no lists of pictures.
Document evaluation_summary(const RunInfo& run, const Evaluation& evaluation);

/// The text of report.json. Ratios that aren't defined are left out.
std::string evaluation_json(const RunInfo& run, const Evaluation& evaluation);

/// The same piece by piece, so that a hundred thousand bad pictures need no memory.
void write_evaluation_json(const RunInfo& run, const Evaluation& evaluation,
                           const std::function<void(std::string_view)>& write);

/// Writes report.json, report.md, report.html, classes.csv, buckets.csv, latency.csv, errors.csv
/// and bad_images.csv into `folder`, which is made if need be: each whole or not at all.
void write_report_files(const std::filesystem::path& folder, const RunInfo& run,
                        const Evaluation& evaluation, const PageSources& sources);

/// Writes predictions.csv into `folder`, row by row from the store.
void write_predictions_file(const std::filesystem::path& folder, PredictionReader& predictions);

/// Several evaluations beside each other, with each one's difference to the first in points: per
/// class precision and recall, overall accuracy, and the buckets of each stage. A class or stage
/// that some run doesn't have is shown as absent there. As many names as evaluations, at least one.
Document side_by_side_document(const std::vector<std::string>& names,
                               const std::vector<Evaluation>& evaluations);

}  // namespace fpcls
