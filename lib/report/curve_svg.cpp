#include "report/curve_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include "report/html_text.h"

namespace fpcls {
namespace {

constexpr double kWidth = 640, kHeight = 360, kLeft = 70, kRight = 20, kTop = 40, kBottom = 50;
constexpr double kLegendRow = 18;

constexpr std::array<std::string_view, 6> kColors = {"#0a5fb4", "#b8510d", "#1a7f37",
                                                     "#8250df", "#0e7490", "#bf3989"};

/// The next of 1, 2, 5, 10, 20 … from `value` on.
double round_up(double value) {
  if (!(value > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (step * power >= value * (1 - 1e-9)) return step * power;
  }
  return 10 * power;
}

class Drawing {
 public:
  explicit Drawing(const Curve& curve) : curve_(curve) {
    for (const Curve::Line& line : curve.lines) {
      for (const Curve::Point& point : line.points) {
        positions_.insert(point.x);
        highest_ = std::max(highest_, point.y);
      }
    }
    step_ = round_up(highest_ / 5);
    top_ = step_ * std::max(1.0, std::ceil(highest_ / step_ * (1 - 1e-9)));
  }

  std::string svg() const {
    const double height = kHeight + kLegendRow * static_cast<double>(curve_.lines.size());
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:g} {:g}\" font-family=\"sans-serif\""
        " font-size=\"12\" role=\"img\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        kWidth, height);
    svg += text(kLeft, 20, "start", curve_.title);
    svg += axes();
    for (size_t i = 0; i < curve_.lines.size(); ++i) svg += line(i);
    return svg + "</svg>\n";
  }

 private:
  double x(double value) const {
    if (positions_.size() < 2) return (kLeft + kWidth - kRight) / 2;
    const double low = std::log(*positions_.begin());
    const double high = std::log(*positions_.rbegin());
    return kLeft + (std::log(value) - low) / (high - low) * (kWidth - kLeft - kRight);
  }
  double y(double value) const {
    return kHeight - kBottom - value / top_ * (kHeight - kTop - kBottom);
  }

  static std::string text(double x, double y, std::string_view anchor, std::string_view words) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y,
                       anchor, html_escaped(words));
  }

  std::string axes() const {
    std::string svg;
    for (double value = 0; value <= top_ * (1 + 1e-9); value += step_) {
      svg += fmt::format(
          "<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"#d0d7de\" stroke-width=\"1\"/>\n", kLeft,
          y(value), kWidth - kRight);
      svg += text(kLeft - 6, y(value) + 4, "end", fmt::format("{:g}", value));
    }
    for (const double value : positions_) {
      svg += text(x(value), kHeight - kBottom + 18, "middle", fmt::format("{:g}", value));
    }
    return svg + text((kLeft + kWidth) / 2, kHeight - 12, "middle", curve_.x_name) +
           text(kLeft - 6, kTop - 8, "end", curve_.y_name);
  }

  std::string line(size_t index) const {
    const Curve::Line& line = curve_.lines[index];
    const std::string_view color = kColors[index % kColors.size()];
    const double row = kHeight + kLegendRow * static_cast<double>(index);
    std::string path, dots;
    for (const Curve::Point& point : line.points) {
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(point.x), y(point.y));
      dots += fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"><title>{}: {:g}, {:.1f}"
          "</title></circle>\n",
          x(point.x), y(point.y), color, html_escaped(line.name), point.x, point.y);
    }
    return fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n{}"
                       "<rect x=\"{:g}\" y=\"{:.1f}\" width=\"12\" height=\"12\" fill=\"{}\"/>\n{}",
                       path, color, dots, kLeft, row - 6, color,
                       text(kLeft + 18, row + 4, "start", line.name));
  }

  const Curve& curve_;
  std::set<double> positions_;
  double highest_ = 0, step_ = 1, top_ = 1;
};

}  // namespace

std::string curve_svg(const Curve& curve) { return Drawing(curve).svg(); }

}  // namespace fpcls
