#pragma once

#include <string>
#include <utility>
#include <vector>

namespace fpcls {

/// One figure of several things, as horizontal bars from 0 with their values beside them.
struct BarPanel {
  std::string title;  ///< with the unit
  int digits = 0;
  std::vector<std::pair<std::string, double>> bars;  ///< values >= 0
};

/// A whole SVG file with the panels in two columns; it needs no style sheet.
std::string bars_svg(const std::string& title, const std::vector<BarPanel>& panels);

}  // namespace fpcls
