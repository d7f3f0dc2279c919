#pragma once

#include <string>
#include <vector>

namespace fpcls {

/// A few lines over a logarithmic axis of counts, such as throughput over batch sizes.
struct Curve {
  struct Point {
    double x = 1;  ///< > 0
    double y = 0;  ///< >= 0
  };
  struct Line {
    std::string name;
    std::vector<Point> points;  ///< x ascending
  };
  std::string title, x_name, y_name;
  std::vector<Line> lines;
};

/// A whole SVG file that needs no style sheet and can be read on light and dark backgrounds. The
/// vertical axis begins at 0.
std::string curve_svg(const Curve& curve);

}  // namespace fpcls
