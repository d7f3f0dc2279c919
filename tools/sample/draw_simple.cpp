#include "drawings.h"
#include "effects.h"
#include "plan_drawing.h"

namespace fpcls::sample {
namespace {

enum class Look { pastel, vivid, pale, material };

struct Paint {
  Look look;
  Palette palette;
  Color paper;
  WallStyle walls;
};

Paint pick_paint(Random& random, double drift) {
  Paint paint;
  paint.look = pick(random, {Look::pastel, Look::pastel, Look::vivid, Look::pale, Look::material,
                             random.chance(drift) ? Look::material : Look::pale});
  switch (paint.look) {
    case Look::pastel:
      paint.palette = pastel_palette(random);
      break;
    case Look::vivid:
      paint.palette = vivid_palette(random);
      break;
    case Look::pale:
      paint.palette = pale_palette(random);
      break;
    case Look::material:
      paint.palette = material_palette(random);
      break;
  }
  paint.paper = random.chance(0.8 - 0.2 * drift) ? grey(255) : jitter(random, grey(242), 12);
  const bool light_walls = paint.look != Look::pale && random.chance(0.15);
  paint.walls.color = light_walls ? grey(random.uniform(120, 190)) : grey(random.uniform(0, 70));
  paint.walls.fill = random.chance(0.85) ? WallFill::solid : WallFill::hollow;
  paint.walls.between = grey(random.uniform(200, 255));
  paint.walls.outer_m = random.uniform(0.15, 0.4);
  paint.walls.inner_m = paint.walls.outer_m * random.uniform(0.4, 1);
  return paint;
}

FurnitureStyle sparse_furniture(Random& random, const Paint& paint) {
  FurnitureStyle style;
  style.pen = {mix(paint.walls.color, grey(255), random.uniform(0.2, 0.6)), 1};
  style.filled = random.chance(0.7);
  style.main = jitter(random, grey(225), 30);
  style.second = jitter(random, Color(200, 175, 140), 40);
  style.chance = random.uniform(0.15, 0.6);
  return style;
}

}  // namespace

cv::Mat draw_simple(Random& random, cv::Size size, double drift) {
  const Paint paint = pick_paint(random, drift);
  cv::Mat canvas = blank(size, paint.paper);
  FloorLayout layout = plan_layout(random, static_cast<int>(random.between(3, 9)));
  if (random.chance(0.5)) layout = mirrored(layout);
  const double margin = random.uniform(0.04, 0.2);
  const View view =
      fit_view(layout, {size.width * margin, size.height * margin, size.width * (1 - 2 * margin),
                        size.height * (1 - 2 * margin)});
  if (paint.look == Look::material && random.chance(0.8)) {
    fill_material_floors(random, canvas, layout, view, paint.palette, random.uniform(0.2, 0.8));
  } else {
    fill_floors(canvas, layout, view, paint.palette);
  }
  draw_walls(canvas, layout, view, paint.walls);
  draw_openings(canvas, layout, view, paint.walls, {paint.walls.color, 1}, paint.walls.between);
  if (random.chance(0.45 + 0.15 * drift)) {
    draw_furniture(random, canvas, layout, view, sparse_furniture(random, paint));
  }
  if (random.chance(0.6)) {
    const Color ink = paint.look == Look::vivid ? grey(255) : grey(random.uniform(0, 70));
    draw_room_labels(random, canvas, layout, view,
                     {ink, pick_font(random), random.uniform(8, 14), random.chance(0.35), false});
  }
  if (random.chance(0.12)) {
    draw_dimensions(random, canvas, layout, view, {grey(110), 1}, 1);
  }
  if (random.chance(0.2)) {
    draw_text(canvas, random_words(random, 2), {size.width / 2.0, size.height * 0.035 + 4},
              random.uniform(8, 14), grey(40), pick_font(random));
  }
  if (random.chance(0.15)) {
    draw_compass(random, canvas, {size.width * 0.92, size.height * 0.08}, 12, grey(60));
  }
  if (random.chance(0.2)) {
    draw_text(canvas, random_words(random, 1),
              {size.width * random.uniform(0.05, 0.4), size.height * 0.95}, random.uniform(10, 20),
              grey(30), pick_font(random), Align::left);
  }
  if (random.chance(0.1)) {
    draw_logo(random, canvas, {size.width * 0.72, 4, size.width * 0.25, size.height * 0.06});
  }
  if (random.chance(0.06)) canvas = turned(canvas, random.uniform(-20, 20), paint.paper);
  if (random.chance(0.15)) lose_detail(canvas, random.uniform(0.35, 0.8));
  return canvas;
}

}  // namespace fpcls::sample
