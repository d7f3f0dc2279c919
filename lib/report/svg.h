#pragma once

#include <string>

#include "report/document.h"

/// Charts as SVG without any style of its own: classes say what a thing is, the page's style sheet
/// how it looks, in light, dark and on paper. Internal to lib/report.
namespace fpcls {

/// Each is one <svg> element; `labelled_by` is the id of the element that names it.
std::string svg_of(const Chart& chart, const std::string& labelled_by);
std::string svg_of(const Plot& plot, const std::string& labelled_by);
std::string svg_of(const Bars& bars, const std::string& labelled_by);

/// The colour of one of the parts.
int bar_color(const Bars& bars, size_t part);

/// A short line or square as a legend shows it: of series `color`.
std::string svg_swatch(int color, bool line, bool dashed);

/// Colours that series can be told apart by; the numbers go round after them.
constexpr int kSeriesColors = 8;

}  // namespace fpcls
