#include "drawings.h"
#include "effects.h"
#include "plan_drawing.h"

namespace fpcls::sample {
namespace {

struct Ink {
  Color paper, line, faint;
  WallStyle walls;
};

Ink pick_ink(Random& random, double drift) {
  Ink ink;
  ink.paper = random.chance(0.75 - 0.2 * drift) ? grey(255) : jitter(random, grey(246), 9);
  ink.line =
      random.chance(0.75)
          ? grey(random.uniform(0, 60))
          : jitter(random,
                   pick(random, {Color(30, 40, 120), Color(130, 30, 30), Color(20, 110, 50)}), 25);
  if (random.chance(0.1 + 0.05 * drift)) {
    ink.paper = jitter(random, pick(random, {grey(8), Color(16, 36, 84), Color(30, 38, 46)}), 8);
    ink.line = jitter(random, grey(225), 28);
  } else if (random.chance(0.12)) {
    ink.line = grey(random.uniform(110, 165));
  }
  ink.faint = mix(ink.line, ink.paper, random.uniform(0.2, 0.6));
  ink.walls.fill =
      pick(random, {WallFill::solid, WallFill::solid, WallFill::hollow, WallFill::hatched});
  ink.walls.color = ink.line;
  ink.walls.between = ink.paper;
  ink.walls.outer_m = random.uniform(0.12, 0.4);
  ink.walls.inner_m = ink.walls.outer_m * random.uniform(0.3, 0.8);
  return ink;
}

void draw_grid_axes(Random& random, cv::Mat& canvas, const FloorLayout& layout, const View& view,
                    const Color& color) {
  for (const Room& room : layout.rooms) {
    if (random.chance(0.4)) continue;
    const Point at = view.at(room.box.tl());
    draw_dashes(canvas, {at.x, 12}, {at.x, canvas.rows - 12.0}, {color, 1}, 6);
    draw_circle(canvas, {at.x, 9}, 7, {color, 1});
    draw_text(canvas, std::string(1, static_cast<char>('A' + random.below(9))), {at.x, 9}, 6,
              color);
  }
}

void draw_title_block(Random& random, cv::Mat& canvas, const Ink& ink) {
  const Box frame(6, 6, canvas.cols - 12.0, canvas.rows - 12.0);
  draw_box(canvas, frame, {ink.line, 1});
  const double width = canvas.cols * random.uniform(0.25, 0.45), height = canvas.rows * 0.1;
  const Box block(frame.br().x - width, frame.br().y - height, width, height);
  fill_box(canvas, block, ink.paper);
  draw_table(random, canvas, block, ink.line, pick_font(random));
}

void draw_sheet(Random& random, cv::Mat& canvas, const Box& area, const Ink& ink) {
  FloorLayout layout = plan_layout(random, static_cast<int>(random.between(4, 12)));
  if (random.chance(0.5)) layout = mirrored(layout);
  const View view = fit_view(layout, area);
  const Pen pen{random.chance(0.7) ? ink.line : ink.faint, random.chance(0.85) ? 1 : 2};
  if (random.chance(0.15)) draw_grid_axes(random, canvas, layout, view, ink.faint);
  draw_walls(canvas, layout, view, ink.walls);
  if (random.chance(0.9)) draw_openings(canvas, layout, view, ink.walls, pen, ink.paper);
  if (random.chance(0.5)) {
    draw_furniture(random, canvas, layout, view,
                   {pen, false, ink.paper, ink.paper, random.uniform(0.3, 1)});
  }
  if (random.chance(0.65)) {
    const bool areas = random.chance(0.4);
    draw_room_labels(
        random, canvas, layout, view,
        {ink.line, pick_font(random), random.uniform(6, 12), areas, !areas && random.chance(0.3)});
  }
  if (random.chance(0.6)) {
    draw_dimensions(random, canvas, layout, view, pen, static_cast<int>(random.between(1, 4)));
  }
}

}  // namespace

cv::Mat draw_wireframe(Random& random, cv::Size size, double drift) {
  const Ink ink = pick_ink(random, drift);
  cv::Mat canvas = blank(size, ink.paper);
  const double margin = random.uniform(0.06, 0.2);
  const Box area(size.width * margin, size.height * margin, size.width * (1 - 2 * margin),
                 size.height * (1 - 2 * margin));
  if (random.chance(0.15)) {
    Box half = area;
    const bool wide = size.width > size.height;
    (wide ? half.width : half.height) *= 0.46;
    draw_sheet(random, canvas, half, ink);
    (wide ? half.x : half.y) += 0.54 * (wide ? area.width : area.height);
    draw_sheet(random, canvas, half, ink);
  } else {
    draw_sheet(random, canvas, area, ink);
  }
  if (random.chance(0.3)) {
    draw_text(canvas, random_words(random, 3),
              {size.width * random.uniform(0.3, 0.7), size.height - 14.0}, random.uniform(8, 15),
              ink.line, pick_font(random));
  }
  if (random.chance(0.2)) draw_title_block(random, canvas, ink);
  if (random.chance(0.15)) canvas = turned(canvas, random.uniform(-30, 30), ink.paper);
  if (random.chance(0.12)) lose_detail(canvas, random.uniform(0.4, 0.8));
  if (random.chance(0.12)) add_noise(random, canvas, random.uniform(2, 8));
  return canvas;
}

}  // namespace fpcls::sample
