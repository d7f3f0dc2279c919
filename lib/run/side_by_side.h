#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/document.h"
#include "run/judge.h"

/// Several runs beside each other, as a page with charts.
namespace fpcls {

/// What side_by_side_document says, with the curves of all runs in one chart a stage. As many names
/// as runs, at least one.
Document side_by_side_page(const std::vector<std::string>& names, const std::vector<Judged>& runs);

/// Writes report.html and report.md into `folder`.
void write_side_by_side_files(const std::filesystem::path& folder,
                              const std::vector<std::string>& names,
                              const std::vector<Judged>& runs);

}  // namespace fpcls
