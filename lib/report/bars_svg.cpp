#include "report/bars_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "report/html_text.h"

namespace fpcls {
namespace {

constexpr double kWidth = 760, kTop = 44, kMargin = 20, kRow = 22, kPanelTitle = 24, kGap = 18;
constexpr double kPanelWidth = (kWidth - 3 * kMargin) / 2;
constexpr double kNames = 62, kValues = 70;  // room beside the bars

std::string text(double x, double y, std::string_view anchor, const std::string& words) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     html_escaped(words));
}

double height_of(const BarPanel& panel) {
  return kPanelTitle + kRow * static_cast<double>(panel.bars.size()) + kGap;
}

std::string panel_svg(const BarPanel& panel, double x, double y) {
  double largest = 0;
  for (const auto& [name, value] : panel.bars) largest = std::max(largest, value);
  const double room = kPanelWidth - kNames - kValues;
  std::string svg = text(x, y + 14, "start", panel.title);
  double row = y + kPanelTitle;
  for (const auto& [name, value] : panel.bars) {
    const double length = largest > 0 ? value / largest * room : 0;
    svg += text(x + kNames - 6, row + 13, "end", name);
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"#0a5fb4\"/>\n",
        x + kNames, row + 2, length, kRow - 6);
    svg += text(x + kNames + length + 6, row + 13, "start",
                fmt::format("{:.{}f}", value, panel.digits));
    row += kRow;
  }
  return svg;
}

}  // namespace

std::string bars_svg(const std::string& title, const std::vector<BarPanel>& panels) {
  std::string body = text(kMargin, 24, "start", title);
  double y = kTop;
  for (size_t i = 0; i < panels.size(); i += 2) {
    double height = height_of(panels[i]);
    body += panel_svg(panels[i], kMargin, y);
    if (i + 1 < panels.size()) {
      body += panel_svg(panels[i + 1], 2 * kMargin + kPanelWidth, y);
      height = std::max(height, height_of(panels[i + 1]));
    }
    y += height;
  }
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:g} {:g}\" "
             "font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
             kWidth, y) +
         body + "</svg>\n";
}

}  // namespace fpcls
