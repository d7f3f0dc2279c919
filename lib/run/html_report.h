#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "metrics/evaluation.h"
#include "report/document.h"
#include "run/picture_finder.h"

/// report.html: what evaluation_document says, with charts, the scores to try thresholds on, and
/// pictures.
namespace fpcls {

/// What a page shows that an Evaluation doesn't hold.
struct PageSources {
  PredictionSource predictions;  ///< those that were evaluated
  PictureFinder pictures;
};

/// The document keeps `sources.predictions`.
Document html_document(const RunInfo& run, const Evaluation& evaluation,
                       const PageSources& sources);

/// Writes the page, whole or not at all.
void write_html(const std::filesystem::path& file, const Document& document);

}  // namespace fpcls
