#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "report/document.h"
#include "run/common_options.h"

namespace fpcls {

/// `document` in the form that --format asks for. CSV is the table called `csv_table`; `json` makes
/// the JSON form.
std::string format_document(const Document& document, std::string_view csv_table,
                            OutputFormat format, const std::function<std::string()>& json);

}  // namespace fpcls
