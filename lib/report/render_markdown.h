#pragma once

#include <string>
#include <string_view>

#include "report/document.h"

/// A document as Markdown with GitHub's tables. What comes from data (labels, paths, reasons) is
/// escaped, so that no file name can open a link, a table cell or an HTML tag.
namespace fpcls {

std::string render_markdown(const Document& document);

/// `text` so that Markdown shows exactly it, on one line.
std::string markdown_escaped(std::string_view text);

}  // namespace fpcls
