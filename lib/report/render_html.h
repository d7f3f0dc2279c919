#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "report/document.h"

/// A document as one HTML page that needs nothing else: style, script, charts and pictures are
/// inside it, and it asks no other address for anything (its content security policy forbids that).
/// It follows the reader's light or dark setting, fits phones and paper, and its own words come in
/// English and Chinese. Without scripts everything but the sliders, the filters, the pictures behind
/// the first few and the language switch is there.
///
/// Nothing that comes from data (labels, paths, reasons) can become markup or code: all of it is
/// escaped, and the policy runs no script but the page's own, known by its hash.
namespace fpcls {

/// Gives `write` the page piece by piece; scores stream through, so that a hundred thousand
/// pictures need no memory.
void render_html(const Document& document, const std::function<void(std::string_view)>& write);

std::string render_html(const Document& document);

}  // namespace fpcls
