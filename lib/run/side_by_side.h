#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/document.h"
#include "run/judge.h"

/// Several runs beside each other, as a page with charts.
namespace fpcls {

/// Writes report.html and report.md into `folder`: `first`, then what side_by_side_document says; in
/// the page the curves of all runs too, in one chart a stage. As many names as runs, at least one.
void write_side_by_side_files(const std::filesystem::path& folder,
                              const std::vector<std::string>& names,
                              const std::vector<Judged>& runs, std::vector<Section> first);

}  // namespace fpcls
