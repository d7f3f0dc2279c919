#include <fmt/format.h>

#include <algorithm>

#include "drawings.h"
#include "effects.h"
#include "plan_drawing.h"

namespace fpcls::sample {
namespace {

struct Brochure {
  Color paper, ink;
  Palette palette;
  WallStyle walls;
  FurnitureStyle furniture;
  LabelStyle labels;
  bool coloured_lines;  ///< a CAD sheet in several colours instead of filled rooms
  double seams;
};

Brochure pick_brochure(Random& random, double drift) {
  Brochure b;
  b.coloured_lines = random.chance(0.14);
  const bool white = b.coloured_lines || random.chance(0.65 - 0.2 * drift);
  b.paper =
      white ? grey(255)
            : jitter(random,
                     pick(random, {Color(235, 228, 210), Color(205, 225, 200), Color(240, 215, 220),
                                   Color(215, 230, 240), Color(40, 50, 70), Color(120, 170, 90)}),
                     12);
  b.ink = b.paper[0] < 100 ? grey(235) : grey(random.uniform(0, 50));
  b.palette = random.chance(0.75) ? material_palette(random) : pastel_palette(random);
  b.walls.color =
      b.coloured_lines ? jitter(random, Color(220, 50, 50), 30) : grey(random.uniform(0, 80));
  b.walls.fill = b.coloured_lines ? WallFill::hollow : WallFill::solid;
  b.walls.outer_m = random.uniform(0.18, 0.35);
  b.walls.inner_m = b.walls.outer_m * random.uniform(0.5, 1);
  b.furniture.pen = {
      b.coloured_lines ? jitter(random, Color(40, 70, 210), 25) : grey(random.uniform(40, 120)), 1};
  b.furniture.filled = !b.coloured_lines;
  b.furniture.main = jitter(
      random,
      pick(random, {grey(235), Color(215, 190, 200), Color(170, 190, 210), Color(120, 80, 60)}),
      20);
  b.furniture.second = jitter(random, Color(150, 105, 70), 40);
  b.furniture.chance = random.uniform(0.8, 1);
  b.labels = {grey(random.uniform(0, 50)), pick_font(random), random.uniform(6.5, 11), false,
              random.chance(0.75)};
  b.seams = random.uniform(0.3, 1);
  return b;
}

void draw_unit(Random& random, cv::Mat& canvas, const FloorLayout& layout, const Box& area,
               const Brochure& b) {
  const View view = fit_view(layout, area);
  if (!b.coloured_lines) {
    fill_material_floors(random, canvas, layout, view, b.palette, b.seams);
  }
  draw_walls(canvas, layout, view, b.walls);
  draw_openings(canvas, layout, view, b.walls, {b.furniture.pen.color, 1}, b.walls.between);
  draw_furniture(random, canvas, layout, view, b.furniture);
  draw_room_labels(random, canvas, layout, view, b.labels);
  if (random.chance(0.5)) {
    draw_dimensions(random, canvas, layout, view, {b.ink, 1},
                    static_cast<int>(random.between(1, 4)));
  }
}

// Storeys, or mirrored twins, side by side or above each other.
void draw_units(Random& random, cv::Mat& canvas, const Box& area, const Brochure& b) {
  const int columns = static_cast<int>(random.between(area.width > area.height * 0.8 ? 2 : 1, 3));
  const int rows = static_cast<int>(random.between(columns == 1 ? 2 : 1, 2));
  const bool twins = random.chance(0.6);
  FloorLayout layout = plan_layout(random, static_cast<int>(random.between(4, 8)));
  const double width = area.width / columns, height = area.height / rows;
  for (int i = 0; i < rows * columns; ++i) {
    const Box cell(area.x + width * (i % columns), area.y + height * (i / columns), width, height);
    const double inset = twins ? 0.01 : 0.06;
    draw_unit(random, canvas, layout,
              {cell.x + width * inset, cell.y + height * inset, width * (1 - 2 * inset),
               height * (1 - 2 * inset)},
              b);
    layout = twins ? mirrored(layout) : plan_layout(random, static_cast<int>(random.between(4, 8)));
  }
}

void draw_legend(Random& random, cv::Mat& canvas, const Box& box, const Brochure& b) {
  const double row = 15;
  int i = 0;
  for (double y = box.y; y + row < box.br().y; y += row, ++i) {
    fill_box(canvas, {box.x, y, 10, 10}, b.palette[static_cast<size_t>(i % kRoomKinds)]);
    draw_box(canvas, {box.x, y, 10, 10}, {b.ink, 1});
    draw_text(canvas, random_words(random, 1), {box.x + 16, y + 5}, 7, b.ink, b.labels.font,
              Align::left);
  }
}

void draw_title(Random& random, cv::Mat& canvas, const Box& strip, const Brochure& b) {
  const double height = std::min(strip.height * 0.3, 24.0);
  draw_text(canvas, fmt::format("TYPE - {}", random.between(1, 20)),
            {strip.x + 8, strip.y + height}, height, b.ink, {0, true, false}, Align::left);
  draw_text(canvas, fmt::format("AREA {} SQ.FT.", random.between(600, 2400)),
            {strip.x + 8, strip.y + height * 2.6}, height * 0.7, b.ink, {}, Align::left);
}

void draw_watermark(Random& random, cv::Mat& canvas) {
  cv::Mat mark = canvas.clone();
  const std::string words = random_words(random, 2);
  const double step = canvas.rows / random.uniform(2, 6);
  for (double y = step / 2; y < canvas.rows; y += step) {
    draw_text(mark, words, {canvas.cols * random.uniform(0.3, 0.7), y}, step * 0.2,
              jitter(random, grey(150), 60), {0, true, false});
  }
  cv::addWeighted(mark, 0.45, canvas, 0.55, 0, canvas);
}

void draw_screen_overlay(Random& random, cv::Mat& canvas) {
  const double bar = canvas.rows * random.uniform(0.05, 0.1);
  shade_polygon(canvas, corners({0, 0, canvas.cols * 1.0, bar}), grey(30), 0.8);
  draw_text(canvas, random_words(random, 2), {canvas.cols / 2.0, bar / 2}, bar * 0.3, grey(240));
  if (random.chance(0.6)) {
    fill_circle(canvas, {canvas.cols - bar, canvas.rows - bar}, bar * 0.6,
                jitter(random, Color(230, 90, 50), 40));
  }
}

}  // namespace

cv::Mat draw_complex(Random& random, cv::Size size, double drift) {
  const Brochure b = pick_brochure(random, drift);
  cv::Mat canvas = blank(size, b.paper);
  if (!b.coloured_lines && random.chance(0.15)) {
    canvas = texture(random, size, 60, 3, mix(b.paper, grey(0), 0.12), b.paper);
  }
  const double w = size.width, h = size.height;
  Box area(w * 0.07, h * 0.07, w * 0.86, h * 0.86);
  const bool strip_below = random.chance(0.55), strip_right = random.chance(0.3);
  if (strip_below) area.height = h * 0.72;
  if (strip_right) area.width = w * 0.66;
  if (random.chance(0.4)) {
    draw_units(random, canvas, area, b);
  } else {
    draw_unit(random, canvas, plan_layout(random, static_cast<int>(random.between(5, 11))), area,
              b);
  }
  if (strip_below) {
    draw_title(random, canvas, {w * 0.05, h * 0.84, w * 0.5, h * 0.15}, b);
    if (random.chance(0.4)) {
      draw_table(random, canvas, {w * 0.58, h * 0.84, w * 0.38, h * 0.13}, b.ink, b.labels.font);
    }
  }
  if (strip_right) {
    const Box side(w * 0.77, h * 0.2, w * 0.2, h * 0.5);
    random.chance(0.5) ? draw_legend(random, canvas, side, b)
                       : draw_paragraph(random, canvas, side, 6, b.ink, b.labels.font);
  }
  if (random.chance(0.4)) draw_logo(random, canvas, {w * 0.72, h * 0.015, w * 0.25, h * 0.08});
  if (random.chance(0.35)) draw_compass(random, canvas, {w * 0.94, h * 0.14}, w * 0.025, b.ink);
  if (random.chance(0.15 + 0.1 * drift)) draw_watermark(random, canvas);
  if (random.chance(0.08 + 0.1 * drift)) draw_screen_overlay(random, canvas);
  if (random.chance(0.12)) lose_detail(canvas, random.uniform(0.4, 0.8));
  return canvas;
}

}  // namespace fpcls::sample
