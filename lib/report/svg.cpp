#include "report/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/html_text.h"

namespace fpcls {
namespace {

/// The rectangle that values are drawn in, in the units of the picture.
struct Frame {
  double left, top, width, height;
  double right() const { return left + width; }
  double bottom() const { return top + height; }
  double x(double value) const { return left + value * width; }
  double y(double value) const { return bottom() - value * height; }
};

std::string opened(double width, double height, const std::string& labelled_by) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:g} {:g}\" role=\"img\" aria-labelledby=\"{}\" class=\"chart\">", width,
      height, labelled_by);
}

std::string line(double x1, double y1, double x2, double y2, const char* kind) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>",
                     x1, y1, x2, y2, kind);
}

std::string text(double x, double y, const char* anchor, std::string_view words) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", x, y, anchor,
                     html_escaped(words));
}

/// What fits: names come from data and may be of any length. Cut after a whole character.
std::string shortened(const std::string& name, int columns) {
  const std::string line_of = one_line(name);
  if (display_width(line_of) <= columns) return line_of;
  std::string kept;
  for (size_t at = 0; at < line_of.size();) {
    size_t end = at + 1;
    while (end < line_of.size() && (static_cast<unsigned char>(line_of[end]) & 0xC0) == 0x80) ++end;
    const std::string longer = kept + line_of.substr(at, end - at);
    if (display_width(longer) > columns - 1) break;
    kept = longer;
    at = end;
  }
  return kept + "…";
}

std::string color_class(int color) { return fmt::format("s{}", color % kSeriesColors); }

std::string rectangle(double x, double y, double width, double height, int color,
                      const std::string& title) {
  return fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"{}\">"
      "<title>{}</title></rect>",
      x, y, width, height, color_class(color), html_escaped(title));
}

/// The page's script moves it when the threshold moves.
std::string mark_line(const Frame& frame, const std::optional<Mark>& mark) {
  if (!mark) return "";
  const double x = frame.x(mark->at);
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"mark\" data-of=\"{}\" "
      "data-left=\"{:g}\" data-width=\"{:g}\"/>",
      x, frame.top, x, frame.bottom(), html_escaped(mark->of), frame.left, frame.width);
}

std::string quarter_lines(const Frame& frame) {
  std::string svg;
  for (int i = 0; i <= 4; ++i) {
    const double x = frame.x(i / 4.0);
    svg += line(x, frame.top, x, frame.bottom(), "grid");
  }
  return svg;
}

double largest(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

/// A value that isn't 0 is never invisible.
double visible(double length, double value) { return value > 0 ? std::max(length, 1.5) : 0; }

std::string category_ticks(const Plot& plot, const Frame& frame, const std::vector<double>& x) {
  constexpr double kRoomPerTick = 54;
  std::string svg;
  const auto fitting = static_cast<size_t>(frame.width / kRoomPerTick);
  const size_t step = std::max<size_t>(1, (x.size() + fitting - 1) / fitting);
  for (size_t i = 0; i < x.size(); i += step) {
    svg += text(frame.x(x[i]), frame.bottom() + 15, "middle", shortened(plot.ticks[i], 9));
  }
  return svg;
}

/// The part of 0..1 that the values need, in steps of a tenth: accuracies near 1 differ too.
struct Span {
  double low = 0, high = 1;
  double part(double value) const { return (value - low) / (high - low); }
};

Span span_of(const Plot& plot) {
  if (plot.diagonal || !plot.x.empty()) return {};
  double low = 1;
  for (const Plot::Series& series : plot.series) {
    for (const auto& y : series.y) low = std::min(low, y.value_or(1));
    for (const auto& i : series.interval) low = std::min(low, i ? i->low : 1);
  }
  return {std::clamp(std::floor(low * 10) / 10, 0.0, 0.9), 1};
}

std::string series_svg(const Plot::Series& series, const Frame& frame, const Span& span,
                       const std::vector<double>& x, bool points) {
  std::string path, dots, bounds;
  bool drawing = false;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!series.interval.empty() && series.interval[i]) {
      const double at = frame.x(x[i]);
      bounds += line(at, frame.y(span.part(series.interval[i]->low)), at,
                     frame.y(span.part(series.interval[i]->high)), "bound");
    }
    if (!series.y[i]) {
      drawing = false;
      continue;
    }
    const double y = frame.y(span.part(*series.y[i]));
    path += fmt::format("{}{:.1f} {:.1f}", drawing ? "L" : "M", frame.x(x[i]), y);
    drawing = true;
    if (points) {
      dots += fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"><title>{}: {:.4f}</title>"
          "</circle>",
          frame.x(x[i]), y, html_escaped(series.name), *series.y[i]);
    }
  }
  return fmt::format("<g class=\"{}{}\">{}<path d=\"{}\"/>{}</g>", color_class(series.color),
                     series.dashed ? " dashed" : "", bounds, path, dots);
}

}  // namespace

std::string svg_of(const Chart& chart, const std::string& labelled_by) {
  constexpr double kWidth = 420, kHalf = 70;
  std::string svg;
  const double rows = static_cast<double>(chart.series.size());
  const Frame all{46, 8, kWidth - 58, rows * kHalf};
  svg += opened(kWidth, all.bottom() + 22, labelled_by) + quarter_lines(all);
  for (size_t s = 0; s < chart.series.size(); ++s) {
    const auto& values = chart.series[s].values;
    const double most = largest(values);
    const Frame row{all.left, all.top + static_cast<double>(s) * kHalf + 8, all.width, kHalf - 8};
    const double step = row.width / std::max<double>(1, static_cast<double>(values.size()));
    for (size_t i = 0; i < values.size(); ++i) {
      const double height = visible(most > 0 ? row.height * values[i] / most : 0, values[i]);
      if (height <= 0) continue;
      svg += rectangle(row.left + static_cast<double>(i) * step + 1, row.bottom() - height,
                       step - 2, height, static_cast<int>(s),
                       chart.series[s].name + ": " + with_thousands(std::llround(values[i])));
    }
    svg += line(row.left, row.bottom(), row.right(), row.bottom(), "axis");
    svg += text(row.left - 5, row.top + 9, "end", with_thousands(std::llround(most)));
  }
  svg += mark_line(all, chart.mark) + text(all.left, all.bottom() + 16, "middle", chart.low) +
         text(all.right(), all.bottom() + 16, "middle", chart.high);
  return svg + "</svg>";
}

std::string svg_of(const Plot& plot, const std::string& labelled_by) {
  constexpr double kWidth = 420, kHeight = 230;
  const Frame frame{46, 10, kWidth - 66, kHeight - 34};
  const bool categories = plot.x.empty();
  std::vector<double> x = plot.x;
  for (size_t i = 0; categories && i < plot.ticks.size(); ++i) {
    x.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(plot.ticks.size()));
  }
  const Span span = span_of(plot);
  std::string svg = opened(kWidth, kHeight, labelled_by);
  if (!categories) svg += quarter_lines(frame);
  for (int i = 0; i <= 4; ++i) {
    const double y = frame.y(i / 4.0);
    svg += line(frame.left, y, frame.right(), y, i == 0 ? "axis" : "grid");
    svg += text(frame.left - 5, y + 4, "end",
                fmt::format("{:.3g}", span.low + (span.high - span.low) * i / 4));
    if (!categories) {
      svg += text(frame.x(i / 4.0), frame.bottom() + 15, "middle", fmt::format("{:g}", i / 4.0));
    }
  }
  if (categories) svg += category_ticks(plot, frame, x);
  if (plot.diagonal) svg += line(frame.left, frame.bottom(), frame.right(), frame.top, "diagonal");
  constexpr size_t kMostPoints = 40;
  for (const Plot::Series& series : plot.series) {
    svg += series_svg(series, frame, span, x, x.size() <= kMostPoints);
  }
  return svg + mark_line(frame, plot.mark) + "</svg>";
}

std::string svg_of(const Bars& bars, const std::string& labelled_by) {
  constexpr double kWidth = 420, kBar = 12, kGap = 9, kNames = 104, kFigures = 58;
  const size_t lines = bars.stacked ? 1 : bars.parts.size();
  const double row_height = kBar * static_cast<double>(lines) + kGap;
  const Frame frame{kNames, 4, kWidth - kNames - kFigures,
                    row_height * static_cast<double>(bars.rows.size())};
  double most = 0;
  for (const Bars::Row& row : bars.rows) {
    double sum = 0;
    for (const double value : row.values) sum += value;
    most = std::max(most, bars.stacked ? sum : largest(row.values));
  }
  std::string svg = opened(kWidth, frame.bottom() + 6, labelled_by);
  for (size_t r = 0; r < bars.rows.size(); ++r) {
    const Bars::Row& row = bars.rows[r];
    const double top = frame.top + row_height * static_cast<double>(r);
    double x = frame.left, total = 0;
    svg += text(frame.left - 6, top + (row_height - kGap) / 2 + 5, "end", shortened(row.name, 15));
    for (size_t i = 0; i < row.values.size(); ++i) {
      const double width =
          visible(most > 0 ? frame.width * row.values[i] / most : 0, row.values[i]);
      const double y = bars.stacked ? top : top + kBar * static_cast<double>(i);
      const std::string figure = bars.digits == 0
                                     ? with_thousands(std::llround(row.values[i]))
                                     : fmt::format("{:.{}f}", row.values[i], bars.digits);
      if (width > 0) {
        svg += rectangle(bars.stacked ? x : frame.left, y, width, kBar - 1, bar_color(bars, i),
                         bars.parts[i] + ": " + figure);
      }
      if (!bars.stacked) svg += text(frame.left + width + 4, y + kBar - 1, "start", figure);
      x += width;
      total += row.values[i];
    }
    if (bars.stacked)
      svg += text(x + 4, top + kBar - 1, "start", with_thousands(std::llround(total)));
  }
  return svg + "</svg>";
}

int bar_color(const Bars& bars, size_t part) {
  return bars.colors.empty() ? static_cast<int>(part) : bars.colors.at(part);
}

std::string svg_swatch(int color, bool is_line, bool dashed) {
  const std::string of = color_class(color);
  if (!is_line) {
    return fmt::format(
        "<svg viewBox=\"0 0 12 12\" class=\"swatch\" aria-hidden=\"true\"><rect width=\"12\" "
        "height=\"12\" class=\"{}\"/></svg>",
        of);
  }
  return fmt::format(
      "<svg viewBox=\"0 0 24 12\" class=\"swatch\" aria-hidden=\"true\"><g class=\"{}{}\"><path "
      "d=\"M0 6L24 6\"/></g></svg>",
      of, dashed ? " dashed" : "");
}

}  // namespace fpcls
