#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "metrics/evaluation.h"
#include "report/document.h"

/// report.html: what evaluation_document says, with charts, the scores to try thresholds on, and
/// pictures.
namespace fpcls {

/// `predictions` gives all predictions of the run, as often as asked; the document keeps it.
Document html_document(const RunInfo& run, const Evaluation& evaluation,
                       const PredictionSource& predictions);

/// Writes the page, whole or not at all.
void write_html(const std::filesystem::path& file, const Document& document);

}  // namespace fpcls
