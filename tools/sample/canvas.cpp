#include "canvas.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace fpcls::sample {
namespace {

constexpr int kShift = 4;  // fractions of a pixel in OpenCV's drawing calls
constexpr double kDegree = 3.14159265358979323846 / 180;

cv::Point fixed(Point point) {
  return {cvRound(point.x * (1 << kShift)), cvRound(point.y * (1 << kShift))};
}

std::vector<cv::Point> fixed(const Polygon& polygon) {
  std::vector<cv::Point> points;
  for (const Point& point : polygon) points.push_back(fixed(point));
  return points;
}

// Strokes are chosen by the character, so that one label always looks the same.
void draw_ideograph(cv::Mat& canvas, char character, const Box& box, const Pen& pen) {
  Random strokes(static_cast<unsigned char>(character));
  const auto at = [&](int column, int row) {
    return Point(box.x + box.width * column / 4.0, box.y + box.height * row / 4.0);
  };
  for (int i = 0; i < 6; ++i) {
    const int column = static_cast<int>(strokes.below(3)), row = static_cast<int>(strokes.below(5));
    switch (strokes.below(4)) {
      case 0:
        draw_line(canvas, at(column, 0), at(column, 4), pen);
        break;
      case 1:
        draw_line(canvas, at(2, row / 2), at(row, 4), pen);
        break;
      default:
        draw_line(canvas, at(column / 2, row), at(4, row), pen);
    }
  }
}

}  // namespace

Color mix(const Color& a, const Color& b, double ratio) { return a * (1 - ratio) + b * ratio; }

Color jitter(Random& random, const Color& color, double amount) {
  Color moved = color;
  for (int c = 0; c < 3; ++c) {
    moved[c] = std::min(255.0, std::max(0.0, moved[c] + random.uniform(-amount, amount)));
  }
  return moved;
}

cv::Mat blank(cv::Size size, const Color& color) { return {size, CV_8UC3, color}; }

void draw_line(cv::Mat& canvas, Point from, Point to, const Pen& pen) {
  cv::line(canvas, fixed(from), fixed(to), pen.color, pen.thickness_px, cv::LINE_AA, kShift);
}

void draw_dashes(cv::Mat& canvas, Point from, Point to, const Pen& pen, double dash_px) {
  const double length = std::sqrt((to - from).dot(to - from));
  const int dashes = static_cast<int>(length / (2 * dash_px));
  for (int i = 0; i <= dashes; ++i) {
    const Point step = (to - from) * (dash_px / std::max(length, 1.0));
    draw_line(canvas, from + step * (2 * i), from + step * (2 * i + 1), pen);
  }
}

void draw_path(cv::Mat& canvas, const Polygon& path, bool closed, const Pen& pen) {
  cv::polylines(canvas, fixed(path), closed, pen.color, pen.thickness_px, cv::LINE_AA, kShift);
}

void draw_box(cv::Mat& canvas, const Box& box, const Pen& pen) {
  cv::rectangle(canvas, fixed(box.tl()), fixed(box.br()), pen.color, pen.thickness_px, cv::LINE_AA,
                kShift);
}

void draw_circle(cv::Mat& canvas, Point centre, double radius, const Pen& pen) {
  cv::circle(canvas, fixed(centre), cvRound(std::max(radius, 0.5) * (1 << kShift)), pen.color,
             pen.thickness_px, cv::LINE_AA, kShift);
}

void draw_arc(cv::Mat& canvas, Point centre, double radius, double from_deg, double to_deg,
              const Pen& pen) {
  const int extent = cvRound(std::max(radius, 0.5) * (1 << kShift));
  cv::ellipse(canvas, fixed(centre), {extent, extent}, 0, from_deg, to_deg, pen.color,
              pen.thickness_px, cv::LINE_AA, kShift);
}

void fill_box(cv::Mat& canvas, const Box& box, const Color& color) {
  const cv::Point from(cvRound(box.x), cvRound(box.y));
  const cv::Point to(cvRound(box.x + box.width) - 1, cvRound(box.y + box.height) - 1);
  if (to.x >= from.x && to.y >= from.y) cv::rectangle(canvas, from, to, color, cv::FILLED);
}

void fill_circle(cv::Mat& canvas, Point centre, double radius, const Color& color) {
  cv::circle(canvas, fixed(centre), cvRound(std::max(radius, 0.5) * (1 << kShift)), color,
             cv::FILLED, cv::LINE_AA, kShift);
}

void fill_ellipse(cv::Mat& canvas, Point centre, double rx, double ry, double turn_deg,
                  const Color& color) {
  const cv::Size extent(cvRound(std::max(rx, 0.5) * (1 << kShift)),
                        cvRound(std::max(ry, 0.5) * (1 << kShift)));
  cv::ellipse(canvas, fixed(centre), extent, turn_deg, 0, 360, color, cv::FILLED, cv::LINE_AA,
              kShift);
}

void fill_polygon(cv::Mat& canvas, const Polygon& polygon, const Color& color) {
  cv::fillPoly(canvas, std::vector<std::vector<cv::Point>>{fixed(polygon)}, color, cv::LINE_AA,
               kShift);
}

void fill_polygon(cv::Mat& canvas, const Polygon& polygon, const cv::Mat& texture) {
  cv::Mat mask = cv::Mat::zeros(canvas.size(), CV_8U);
  cv::fillPoly(mask, std::vector<std::vector<cv::Point>>{fixed(polygon)}, 255, cv::LINE_8, kShift);
  texture.copyTo(canvas, mask);
}

void shade_polygon(cv::Mat& canvas, const Polygon& polygon, const Color& color, double opacity) {
  cv::Rect2d bounds(polygon.front(), polygon.front());
  for (const Point& point : polygon) bounds |= Box(point.x, point.y, 1, 1);
  const cv::Rect area = cv::Rect(cvFloor(bounds.x), cvFloor(bounds.y), cvCeil(bounds.width) + 2,
                                 cvCeil(bounds.height) + 2) &
                        cv::Rect({}, canvas.size());
  if (area.empty()) return;
  cv::Mat part = canvas(area), covered = part.clone();
  Polygon moved = polygon;
  for (Point& point : moved) point -= Point(area.x, area.y);
  fill_polygon(covered, moved, color);
  cv::addWeighted(covered, opacity, part, 1 - opacity, 0, part);
}

Font pick_font(Random& random) {
  Font font;
  font.face =
      pick(random, {cv::FONT_HERSHEY_SIMPLEX, cv::FONT_HERSHEY_SIMPLEX, cv::FONT_HERSHEY_DUPLEX,
                    cv::FONT_HERSHEY_COMPLEX, cv::FONT_HERSHEY_PLAIN});
  font.bold = random.chance(0.2);
  font.ideographs = random.chance(0.35);
  return font;
}

void draw_text(cv::Mat& canvas, std::string_view text, Point at, double height_px,
               const Color& color, const Font& font, Align align) {
  const int thickness = std::max(1, cvRound(height_px / (font.bold ? 7.0 : 12.0)));
  if (font.ideographs) {
    const size_t count = std::min<size_t>(text.size(), 2 + text.size() / 3);
    double x = at.x - (align == Align::centre ? count * height_px * 0.65 : 0);
    for (size_t i = 0; i < count; ++i, x += height_px * 1.3) {
      if (text[i] == ' ') continue;
      draw_ideograph(canvas, text[i],
                     {x, at.y - height_px * 0.55, height_px * 1.1, height_px * 1.1},
                     {color, thickness});
    }
    return;
  }
  const std::string line(text);
  const cv::Size unit = cv::getTextSize("H", font.face, 1, 1, nullptr);
  const double scale = height_px / unit.height;
  const cv::Size size = cv::getTextSize(line, font.face, scale, thickness, nullptr);
  const double left = align == Align::centre ? at.x - size.width / 2.0 : at.x;
  cv::putText(canvas, line, {cvRound(left), cvRound(at.y + height_px / 2)}, font.face, scale, color,
              thickness, cv::LINE_AA);
}

std::string random_words(Random& random, int count) {
  static constexpr const char* kSyllables[] = {"ba", "ren", "to", "mi",  "lor", "sa",  "ven", "qui",
                                               "do", "per", "al", "tum", "ne",  "gra", "hof", "is"};
  std::string words;
  for (int i = 0; i < count; ++i) {
    if (i > 0) words += ' ';
    const size_t start = words.size();
    for (int64_t n = random.between(1, 4); n > 0; --n) words += kSyllables[random.below(16)];
    if (random.chance(0.25)) words[start] = static_cast<char>(words[start] - 'a' + 'A');
  }
  return words;
}

Polygon corners(const Box& box) {
  return {{box.x, box.y},
          {box.x + box.width, box.y},
          {box.x + box.width, box.y + box.height},
          {box.x, box.y + box.height}};
}

Polygon turned_box(Point centre, double width, double height, double turn_deg) {
  const double c = std::cos(turn_deg * kDegree), s = std::sin(turn_deg * kDegree);
  Polygon polygon;
  for (const Point& corner : corners({-width / 2, -height / 2, width, height})) {
    polygon.push_back(centre + Point(c * corner.x - s * corner.y, s * corner.x + c * corner.y));
  }
  return polygon;
}

Polygon blob(Random& random, Point centre, double rx, double ry, double roughness_ratio) {
  Polygon polygon;
  constexpr int kCorners = 9;
  for (int i = 0; i < kCorners; ++i) {
    const double reach = 1 + random.uniform(-roughness_ratio, roughness_ratio);
    const double angle = 360.0 * i / kCorners * kDegree;
    polygon.push_back(centre + Point(rx * reach * std::cos(angle), ry * reach * std::sin(angle)));
  }
  polygon.insert(polygon.begin(), polygon.back());
  polygon.push_back(polygon[1]);
  polygon.push_back(polygon[2]);
  Polygon outline = smooth_path(polygon);
  return {outline.begin() + 6, outline.end() - 6};  // the doubled ends served as tangents
}

Polygon smooth_path(const Polygon& points) {
  Polygon path;
  const int last = static_cast<int>(points.size()) - 1;
  const auto point = [&](int i) { return points[static_cast<size_t>(std::clamp(i, 0, last))]; };
  for (int i = 0; i < last; ++i) {
    const Point a = point(i - 1), b = point(i), c = point(i + 1), d = point(i + 2);
    for (int step = 0; step < 6; ++step) {
      const double t = step / 6.0;
      path.push_back((b * 2 + (c - a) * t + (a * 2 - b * 5 + c * 4 - d) * (t * t) +
                      (b * 3 - a - c * 3 + d) * (t * t * t)) *
                     0.5);
    }
  }
  path.push_back(points.back());
  return path;
}

}  // namespace fpcls::sample
