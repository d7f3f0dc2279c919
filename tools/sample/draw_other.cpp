#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "drawings.h"
#include "effects.h"
#include "plan_drawing.h"

namespace fpcls::sample {
namespace {

Color bright_color(Random& random) {
  return jitter(random,
                pick(random, {Color(215, 70, 60), Color(60, 120, 200), Color(80, 170, 90),
                              Color(240, 180, 60), Color(140, 90, 180), Color(70, 180, 190)}),
                25);
}

cv::Mat draw_chart(Random& random, cv::Size size) {
  cv::Mat canvas = blank(size, random.chance(0.8) ? grey(255) : Color(32, 36, 44));
  const Color ink = canvas.at<cv::Vec3b>(0, 0)[0] > 128 ? grey(60) : grey(210);
  const Box plot(size.width * 0.12, size.height * 0.14, size.width * 0.8, size.height * 0.7);
  if (random.chance(0.8))
    draw_text(canvas, random_words(random, 3), {size.width / 2.0, size.height * 0.06}, 11, ink,
              pick_font(random));
  if (random.chance(0.2)) {
    const double r = std::min(plot.width, plot.height) / 2;
    const Point centre(size.width / 2.0, size.height / 2.0);
    double from = 0;
    while (from < 360) {
      const double to = std::min(360.0, from + random.uniform(25, 130));
      cv::Mat& c = canvas;
      Polygon slice = {centre};
      for (double a = from; a < to; a += 4)
        slice.push_back(centre + Point(std::cos(a * 0.0174533), std::sin(a * 0.0174533)) * r);
      fill_polygon(c, slice, bright_color(random));
      from = to;
    }
    return canvas;
  }
  for (int i = 0; i <= 5; ++i) {
    const double y = plot.y + plot.height * i / 5;
    draw_line(canvas, {plot.x, y}, {plot.br().x, y}, {mix(ink, grey(200), 0.7), 1});
    draw_text(canvas, fmt::format("{}", (5 - i) * 20), {plot.x - 16, y}, 7, ink);
  }
  draw_path(canvas, {plot.tl(), {plot.x, plot.br().y}, plot.br()}, false, {ink, 1});
  const int count = static_cast<int>(random.between(4, 14));
  const double step = plot.width / count;
  for (int series = static_cast<int>(random.between(1, 3)); series > 0; --series) {
    const Color color = bright_color(random);
    Polygon line;
    for (int i = 0; i < count; ++i)
      line.push_back({plot.x + step * (i + 0.5), plot.y + plot.height * random.uniform(0.05, 0.9)});
    const bool bars = series == 1 && random.chance(0.5);
    for (const Point& p : line) {
      if (bars)
        fill_box(canvas, {p.x - step * 0.3, p.y, step * 0.6, plot.br().y - p.y}, color);
      else
        fill_circle(canvas, p, 3, color);
    }
    if (!bars) draw_path(canvas, line, false, {color, 2});
  }
  return canvas;
}

// Floor, walls and furniture in one-point perspective.
cv::Mat draw_interior(Random& random, cv::Size size) {
  const double w = size.width, h = size.height;
  const Box back(w * random.uniform(0.15, 0.35), h * random.uniform(0.12, 0.28), w * 0.45,
                 h * random.uniform(0.35, 0.5));
  const Color wall = jitter(
      random, pick(random, {Color(230, 225, 215), Color(190, 205, 200), Color(215, 195, 170)}), 18);
  const Color floor = jitter(
      random, pick(random, {Color(160, 115, 75), Color(200, 190, 175), Color(110, 85, 65)}), 18);
  cv::Mat canvas = blank(size, mix(wall, grey(255), 0.4));
  fill_polygon(canvas, {{0, 0}, back.tl(), {back.x, back.br().y}, {0, h}},
               mix(wall, grey(0), 0.15));
  fill_polygon(canvas, {{w, 0}, {back.br().x, back.y}, back.br(), {w, h}},
               mix(wall, grey(0), 0.08));
  fill_box(canvas, back, wall);
  fill_polygon(canvas, {{back.x, back.br().y}, back.br(), {w, h}, {0, h}},
               texture(random, size, 30, 3, mix(floor, grey(0), 0.15), mix(floor, grey(255), 0.1)));
  for (int i = 1; i < 8; ++i)
    draw_line(canvas, {back.x + back.width * i / 8, back.br().y}, {w * i / 8, h},
              {mix(floor, grey(0), 0.25), 1});
  const Box window(back.x + back.width * random.uniform(0.1, 0.5), back.y + back.height * 0.15,
                   back.width * 0.35, back.height * 0.45);
  fill_box(canvas, window, Color(215, 232, 245));
  draw_box(canvas, window, {grey(250), 4});
  draw_line(canvas, {window.x + window.width / 2, window.y},
            {window.x + window.width / 2, window.br().y}, {grey(250), 3});
  for (int i = static_cast<int>(random.between(1, 4)); i > 0; --i) {
    const Color wood = jitter(
        random,
        pick(random, {Color(120, 80, 55), Color(180, 185, 195), Color(150, 60, 55), grey(235)}),
        22);
    const double bw = w * random.uniform(0.15, 0.35), bh = h * random.uniform(0.12, 0.3);
    const Point at(random.uniform(0, w - bw),
                   std::min(h - bh * 0.7, back.br().y - bh * 0.4 + h * random.uniform(0, 0.25)));
    const double lean = (w / 2 - at.x - bw / 2) * 0.25, deep = bh * 0.35;
    fill_polygon(canvas,
                 {at, at + Point(bw, 0), at + Point(bw + lean, -deep), at + Point(lean, -deep)},
                 mix(wood, grey(255), 0.3));
    fill_box(canvas, {at.x, at.y, bw, bh}, wood);
    draw_box(canvas, {at.x + bw * 0.08, at.y + bh * 0.15, bw * 0.84, bh * 0.6},
             {mix(wood, grey(0), 0.3), 1});
  }
  light_unevenly(random, canvas, random.uniform(0.3, 1));
  blur(canvas, random.uniform(0.5, 1.2));
  add_noise(random, canvas, random.uniform(2, 6));
  return canvas;
}

cv::Mat draw_facade(Random& random, cv::Size size) {
  const double w = size.width, h = size.height;
  const Color sky = jitter(random, Color(140, 185, 230), 30);
  cv::Mat canvas = texture(random, size, 80, 3, sky, mix(sky, grey(255), 0.6));
  fill_box(canvas, {0, h * 0.85, w, h * 0.15}, jitter(random, grey(120), 25));
  const Box front(w * random.uniform(0.08, 0.25), h * random.uniform(0.12, 0.4),
                  w * random.uniform(0.5, 0.68), h);
  const Color stone =
      jitter(random, pick(random, {Color(225, 215, 200), Color(175, 105, 85), grey(190)}), 20);
  fill_box(canvas, {front.x, front.y, front.width, h * 0.88 - front.y}, stone);
  const Point away(w * 0.16, h * 0.06);
  const Point top(front.br().x, front.y), foot(front.br().x, h * 0.88);
  fill_polygon(canvas, {top, top + away, foot + Point(away.x, -away.y), foot},
               mix(stone, grey(0), 0.3));
  if (random.chance(0.5))
    fill_polygon(canvas,
                 {{front.x - 12, front.y},
                  {front.x + front.width / 2, front.y - h * 0.12},
                  {top.x + 12, front.y}},
                 Color(140, 75, 60));
  const int columns = static_cast<int>(random.between(3, 7)),
            rows = static_cast<int>(random.between(2, 7));
  const double cw = front.width / columns, ch = (h * 0.85 - front.y) / rows;
  for (int i = 0; i < columns * rows; ++i) {
    const Box pane(front.x + cw * (i % columns + 0.22), front.y + ch * (i / columns + 0.2),
                   cw * 0.56, ch * 0.55);
    fill_box(canvas, pane, jitter(random, Color(75, 95, 120), 25));
    draw_box(canvas, pane, {grey(240), 2});
  }
  light_unevenly(random, canvas, random.uniform(0.2, 0.8));
  blur(canvas, 0.7);
  add_noise(random, canvas, random.uniform(2, 6));
  return canvas;
}

cv::Mat draw_text_page(Random& random, cv::Size size) {
  cv::Mat canvas = blank(size, jitter(random, grey(250), 5));
  const Font font = pick_font(random);
  const double w = size.width, h = size.height;
  draw_text(canvas, random_words(random, 2), {w / 2, h * 0.07}, 14, grey(20), font);
  const bool columns = random.chance(0.3);
  draw_paragraph(random, canvas, {w * 0.08, h * 0.13, w * (columns ? 0.4 : 0.84), h * 0.45},
                 random.uniform(5, 9), grey(40), font);
  if (columns)
    draw_paragraph(random, canvas, {w * 0.54, h * 0.13, w * 0.4, h * 0.45}, 6, grey(40), font);
  random.chance(0.5)
      ? draw_table(random, canvas, {w * 0.08, h * 0.62, w * 0.84, h * 0.3}, grey(60), font)
      : draw_paragraph(random, canvas, {w * 0.08, h * 0.62, w * 0.84, h * 0.3}, 7, grey(40), font);
  if (random.chance(0.3)) draw_logo(random, canvas, {w * 0.7, h * 0.02, w * 0.25, h * 0.07});
  return canvas;
}

// Boxes and arrows: lines and words on white, yet no plan.
cv::Mat draw_diagram(Random& random, cv::Size size) {
  cv::Mat canvas = blank(size, grey(255));
  const Font font = pick_font(random);
  const bool filled = random.chance(0.5);
  Polygon knots;
  for (int i = static_cast<int>(random.between(4, 9)); i > 0; --i) {
    knots.push_back(
        {size.width * random.uniform(0.12, 0.88), size.height * random.uniform(0.1, 0.9)});
  }
  for (size_t i = 1; i < knots.size(); ++i) {
    draw_path(canvas, {knots[i - 1], {knots[i].x, knots[i - 1].y}, knots[i]}, false, {grey(60), 1});
  }
  for (const Point& knot : knots) {
    const Box box(knot.x - 42, knot.y - 17, 84, 34);
    fill_box(canvas, box, filled ? mix(bright_color(random), grey(255), 0.5) : grey(255));
    draw_box(canvas, box, {grey(40), random.chance(0.8) ? 1 : 2});
    draw_text(canvas, random_words(random, 1), knot, 8, grey(20), font);
  }
  return canvas;
}

cv::Mat draw_code(Random& random, cv::Size size) {
  cv::Mat canvas = blank(size, grey(255));
  const int cells = static_cast<int>(random.between(21, 45));
  const double cell = std::floor(std::min(size.width, size.height) * 0.85 / cells);
  const Point origin((size.width - cell * cells) / 2, (size.height - cell * cells) / 2);
  const auto square = [&](double x, double y, double extent, double level) {
    fill_box(canvas, {origin.x + x * cell, origin.y + y * cell, extent * cell, extent * cell},
             grey(level));
  };
  const double density = random.uniform(0.35, 0.55);
  for (int i = 0; i < cells * cells; ++i) {
    if (random.chance(density)) square(i % cells, i / cells, 1, 0);
  }
  const double far = cells - 7;
  for (const Point& corner : {Point(0, 0), Point(far, 0), Point(0, far)}) {
    square(corner.x, corner.y, 7, 0), square(corner.x + 1, corner.y + 1, 5, 255);
    square(corner.x + 2, corner.y + 2, 3, 0);
  }
  return canvas;
}

// Grids and mazes: right angles without rooms.
cv::Mat draw_puzzle(Random& random, cv::Size size) {
  cv::Mat canvas = blank(size, grey(random.uniform(240, 255)));
  const int cells = static_cast<int>(random.between(8, 22));
  const double side = std::min(size.width, size.height) * 0.86, cell = side / cells;
  const Point origin((size.width - side) / 2, (size.height - side) / 2);
  const bool maze = random.chance(0.5);
  const Pen pen{grey(random.uniform(0, 60)), static_cast<int>(random.between(1, 3))};
  for (int i = 0; i < cells * cells; ++i) {
    const Point at = origin + Point(cell * (i % cells), cell * (i / cells));
    if (!maze || random.chance(0.5)) draw_line(canvas, at, at + Point(cell, 0), pen);
    if (!maze || random.chance(0.5)) draw_line(canvas, at, at + Point(0, cell), pen);
    if (!maze && random.chance(0.35))
      draw_text(canvas, fmt::format("{}", random.between(1, 9)), at + Point(cell, cell) * 0.5,
                cell * 0.45, pen.color);
  }
  draw_box(canvas, {origin.x, origin.y, side, side}, {pen.color, pen.thickness_px + 1});
  return canvas;
}

cv::Mat draw_screenshot(Random& random, cv::Size size) {
  const bool dark = random.chance(0.3);
  cv::Mat canvas = blank(size, dark ? grey(36) : jitter(random, grey(245), 8));
  const double w = size.width, h = size.height;
  const Color ink = dark ? grey(210) : grey(60);
  fill_box(canvas, {0, 0, w, h * 0.08}, bright_color(random));
  draw_text(canvas, random_words(random, 2), {w * 0.05, h * 0.04}, h * 0.018 + 3, grey(255),
            pick_font(random), Align::left);
  for (double y = h * 0.12; y < h * 0.9; y += h * 0.14) {
    fill_box(canvas, {w * 0.05, y, w * 0.9, h * 0.11}, dark ? grey(52) : grey(255));
    fill_box(canvas, {w * 0.07, y + h * 0.015, h * 0.08, h * 0.08}, bright_color(random));
    draw_paragraph(random, canvas, {w * 0.1 + h * 0.08, y + h * 0.015, w * 0.6, h * 0.09}, 7, ink,
                   pick_font(random));
  }
  return canvas;
}

cv::Mat draw_sign(Random& random, cv::Size size) {
  cv::Mat canvas =
      blank(size, random.chance(0.5) ? grey(255) : mix(bright_color(random), grey(255), 0.6));
  const double w = size.width, h = size.height;
  draw_logo(random, canvas, {w * 0.2, h * 0.3, w * 0.6, h * random.uniform(0.2, 0.4)});
  if (random.chance(0.4))
    draw_text(canvas, random_words(random, 2), {w / 2, h * 0.85}, 14, grey(80), pick_font(random));
  return canvas;
}

cv::Mat draw_empty_page(Random& random, cv::Size size) {
  cv::Mat canvas = blank(size, jitter(random, grey(random.chance(0.8) ? 250 : 20), 5));
  if (random.chance(0.5)) light_unevenly(random, canvas, 0.3);
  if (random.chance(0.5)) add_noise(random, canvas, 3);
  if (random.chance(0.3))
    draw_text(canvas, random_words(random, 1), {size.width * 0.5, size.height * 0.94}, 8,
              grey(120));
  return canvas;
}

}  // namespace

cv::Mat draw_other(Random& random, cv::Size size, double) {
  switch (random.below(12)) {
    case 0:
      return draw_chart(random, size);
    case 1:
    case 2:
    case 3:
      return draw_interior(random, size);
    case 4:
    case 5:
      return draw_facade(random, size);
    case 6:
      return draw_text_page(random, size);
    case 7:
      return draw_diagram(random, size);
    case 8:
      return random.chance(0.4) ? draw_code(random, size) : draw_puzzle(random, size);
    case 9:
      return draw_screenshot(random, size);
    case 10:
      return draw_sign(random, size);
    default:
      return random.chance(0.6) ? draw_empty_page(random, size) : draw_puzzle(random, size);
  }
}

}  // namespace fpcls::sample
