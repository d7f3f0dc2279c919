#pragma once

#include <string>

#include "report/document.h"

/// A document as plain text for a terminal: columns line up by the width that characters take on
/// screen, so that Chinese labels stand straight. Cells are never wrapped or cut. A table that is
/// wider than the screen is shown in parts, each of which repeats the first column.
namespace fpcls {

struct TextOptions {
  int width = 0;       ///< columns of the screen; 0: no limit
  bool notes = false;  ///< show the definitions under the tables
};

std::string render_text(const Document& document, const TextOptions& options = {});

/// One table, without its notes.
std::string render_text(const Table& table, const TextOptions& options = {});

/// Columns of the terminal that stdout is, or 0 (no limit) when it isn't one.
int stdout_width();

}  // namespace fpcls
