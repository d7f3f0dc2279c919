#pragma once

#include "canvas.h"

/// One drawing function for each class. What the classes mean, and where they are hard to tell
/// apart, is the business of the file of that name; all have the same shape:
/// a picture of exactly `size`. `drift` 0..1 is how far fashions have moved from the first month.
namespace fpcls::sample {

/// Line-drawn plan without fills: dark lines on white, now and then light on dark.
cv::Mat draw_wireframe(Random& random, cv::Size size, double drift);
/// The ground from above: fields, woods, blocks of houses, coasts; some as screenshots of a map.
cv::Mat draw_satellite(Random& random, cv::Size size, double drift);
/// Camera picture of a plan on paper or on a screen.
cv::Mat draw_photo(Random& random, cv::Size size, double drift);
/// Clean plan with filled rooms and little else.
cv::Mat draw_simple(Random& random, cv::Size size, double drift);
/// Brochure plan: furniture, dimensions, several units, tables, legends, logos, overlays.
cv::Mat draw_complex(Random& random, cv::Size size, double drift);
/// Garden or landscape: site plans with trees and paths, and views.
cv::Mat draw_garden(Random& random, cv::Size size, double drift);
/// No plan at all: charts, rooms, buildings, text, logos, codes, empty pages.
cv::Mat draw_other(Random& random, cv::Size size, double drift);

/// Parts that more than one class draws.
/// The crown of a tree seen from above.
void draw_tree_top(Random& random, cv::Mat& canvas, Point centre, double radius, const Color& leaf,
                   bool with_branches);

}  // namespace fpcls::sample
