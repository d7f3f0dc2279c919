#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/document.h"

/// One table as CSV (RFC 4180, but with "\n" at the end of lines): the columns' keys, then the
/// values unrounded.
namespace fpcls {

std::string render_csv(const Table& table);

/// One line with its end, each field quoted where that is needed.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace fpcls
