#pragma once

#include <initializer_list>
#include <opencv2/core.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

/// What every drawing is made of: lines, shapes and words on an 8-bit RGB picture, in pixels with
/// fractions. Shapes may reach over the edge of the picture.
namespace fpcls::sample {

using Point = cv::Point2d;
using Box = cv::Rect2d;
using Polygon = std::vector<Point>;
using Color = cv::Scalar;  ///< red, green, blue, each 0..255

inline Color grey(double value) { return {value, value, value}; }
/// `a` at 0, `b` at 1.
Color mix(const Color& a, const Color& b, double ratio);
/// `color` with each channel moved by up to `amount`.
Color jitter(Random& random, const Color& color, double amount);

/// One of `choices`, each as likely as the others.
template <class T>
T pick(Random& random, std::initializer_list<T> choices) {
  return choices.begin()[random.below(static_cast<int64_t>(choices.size()))];
}

struct Pen {
  Color color;
  int thickness_px = 1;
};

cv::Mat blank(cv::Size size, const Color& color);

void draw_line(cv::Mat& canvas, Point from, Point to, const Pen& pen);
void draw_dashes(cv::Mat& canvas, Point from, Point to, const Pen& pen, double dash_px);
void draw_path(cv::Mat& canvas, const Polygon& path, bool closed, const Pen& pen);
void draw_box(cv::Mat& canvas, const Box& box, const Pen& pen);
void draw_circle(cv::Mat& canvas, Point centre, double radius, const Pen& pen);
/// Part of a circle between two angles in degrees, clockwise from the right.
void draw_arc(cv::Mat& canvas, Point centre, double radius, double from_deg, double to_deg,
              const Pen& pen);
void fill_box(cv::Mat& canvas, const Box& box, const Color& color);
void fill_circle(cv::Mat& canvas, Point centre, double radius, const Color& color);
void fill_ellipse(cv::Mat& canvas, Point centre, double rx, double ry, double turn_deg,
                  const Color& color);
void fill_polygon(cv::Mat& canvas, const Polygon& polygon, const Color& color);
/// Fills `polygon` with the pixels of `texture`, which has the size of `canvas`.
void fill_polygon(cv::Mat& canvas, const Polygon& polygon, const cv::Mat& texture);
/// Mixes `color` into `polygon`; `opacity` 1 covers.
void shade_polygon(cv::Mat& canvas, const Polygon& polygon, const Color& color, double opacity);

enum class Align { left, centre };

struct Font {
  int face = 0;  ///< one of OpenCV's stroke fonts
  bool bold = false;
  bool ideographs = false;  ///< each word becomes strokes in squares, like a Chinese label
};
Font pick_font(Random& random);

/// Writes `text` with capitals of `height_px`, its middle height on `at`.
void draw_text(cv::Mat& canvas, std::string_view text, Point at, double height_px,
               const Color& color, const Font& font = {}, Align align = Align::centre);
/// `count` invented words.
std::string random_words(Random& random, int count);

Polygon corners(const Box& box);
/// The box around `centre`, turned by `turn_deg`.
Polygon turned_box(Point centre, double width, double height, double turn_deg);
/// A closed, smooth, irregular outline around `centre`; `roughness_ratio` of the radius.
Polygon blob(Random& random, Point centre, double rx, double ry, double roughness_ratio);
/// A smooth path through `points` (Catmull and Rom 1974).
Polygon smooth_path(const Polygon& points);

}  // namespace fpcls::sample
