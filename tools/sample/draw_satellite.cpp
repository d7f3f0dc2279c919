#include <cmath>

#include "drawings.h"
#include "effects.h"
#include "plan_drawing.h"

namespace fpcls::sample {
namespace {

constexpr double kRadians = 3.14159265358979323846 / 180;

/// Coordinates of a town: turned and moved against the picture.
struct Grid {
  Point centre;
  double turn_deg;
  Point at(double u, double v) const {
    const double c = std::cos(turn_deg * kRadians), s = std::sin(turn_deg * kRadians);
    return centre + Point(c * u - s * v, s * u + c * v);
  }
};

Color pick_ground(Random& random) {
  return jitter(random,
                pick(random, {Color(95, 100, 75), Color(120, 108, 86), Color(70, 84, 62),
                              Color(140, 132, 118), Color(105, 105, 100)}),
                9);
}

cv::Mat draw_ground(Random& random, cv::Size size, const Color& ground, int cell_px) {
  return texture(random, size, cell_px, 5, mix(ground, grey(0), 0.55),
                 mix(ground, grey(255), 0.35));
}

void draw_house(Random& random, cv::Mat& canvas, Point centre, double width, double height,
                double turn_deg, Point shadow) {
  const Color roof = jitter(random,
                            pick(random, {grey(190), grey(140), Color(150, 90, 70),
                                          Color(120, 100, 90), grey(225), Color(110, 120, 135)}),
                            22);
  shade_polygon(canvas, turned_box(centre + shadow, width, height, turn_deg), grey(10), 0.65);
  const Polygon outline = turned_box(centre, width, height, turn_deg);
  fill_polygon(canvas, outline, roof);
  if (random.chance(0.6)) {  // a ridge: one side lies in the light
    const Point a = (outline[0] + outline[3]) * 0.5, b = (outline[1] + outline[2]) * 0.5;
    fill_polygon(canvas, {a, b, outline[2], outline[3]}, mix(roof, grey(0), 0.18));
  } else if (random.chance(0.4)) {
    fill_polygon(canvas, turned_box(centre, width * 0.3, height * 0.25, turn_deg),
                 mix(roof, grey(255), 0.4));
  }
}

void plant_trees(Random& random, cv::Mat& canvas, const Box& area, int count, double radius) {
  const Color leaf = jitter(random, Color(48, 70, 40), 14);
  for (int i = 0; i < count; ++i) {
    draw_tree_top(random, canvas,
                  {random.uniform(area.x, area.br().x), random.uniform(area.y, area.br().y)},
                  radius * random.uniform(0.6, 1.3), jitter(random, leaf, 16), false);
  }
}

void draw_road(cv::Mat& canvas, const Polygon& path, int width_px, const Color& asphalt) {
  draw_path(canvas, path, false, {mix(asphalt, grey(200), 0.4), width_px + 3});
  draw_path(canvas, path, false, {asphalt, width_px});
}

cv::Mat draw_town(Random& random, cv::Size size) {
  cv::Mat canvas = draw_ground(random, size, pick_ground(random), 40);
  const Grid grid{{size.width / 2.0, size.height / 2.0}, random.uniform(0, 90)};
  const double reach = (size.width + size.height) * 0.55;
  const double block_u = random.uniform(70, 190), block_v = random.uniform(60, 150);
  const Point shadow(random.uniform(-9, 9), random.uniform(3, 9));
  const int road_px = static_cast<int>(random.between(5, 16));
  const Color asphalt = jitter(random, grey(random.uniform(95, 150)), 7);
  for (double u = -reach; u < reach; u += block_u)
    draw_road(canvas, {grid.at(u, -reach), grid.at(u, reach)}, road_px, asphalt);
  for (double v = -reach; v < reach; v += block_v)
    draw_road(canvas, {grid.at(-reach, v), grid.at(reach, v)}, road_px, asphalt);
  const double plot = random.uniform(26, 60), density = random.uniform(0.55, 0.95);
  const Box all(0, 0, size.width, size.height);
  for (double u = -reach; u < reach; u += block_u) {
    for (double v = -reach; v < reach; v += block_v) {
      if (!all.contains(grid.at(u + block_u / 2, v + block_v / 2))) continue;
      for (double x = road_px + plot / 2; x + plot / 2 < block_u; x += plot) {
        for (double y = road_px + plot / 2; y + plot / 2 < block_v; y += plot) {
          const Point at = grid.at(u + x, v + y);
          if (random.chance(density)) {
            draw_house(random, canvas, at, plot * random.uniform(0.45, 0.85),
                       plot * random.uniform(0.4, 0.8), grid.turn_deg + random.uniform(-4, 4),
                       shadow);
          } else if (random.chance(0.7)) {
            plant_trees(random, canvas, {at.x - plot / 2, at.y - plot / 2, plot, plot}, 6,
                        plot / 7);
          }
        }
      }
    }
  }
  plant_trees(random, canvas, all, static_cast<int>(random.between(10, 120)), random.uniform(3, 8));
  return canvas;
}

cv::Mat draw_fields(Random& random, cv::Size size) {
  cv::Mat canvas = draw_ground(random, size, pick_ground(random), 60);
  const Grid grid{{size.width / 2.0, size.height / 2.0}, random.uniform(0, 180)};
  const double reach = (size.width + size.height) * 0.6, strip = random.uniform(90, 260);
  cv::Mat rows = texture(random, {size.width, size.height}, 8, 3, grey(60), grey(190));
  for (double u = -reach; u < reach; u += strip) {
    for (double v = -reach; v < reach;) {
      const double next = v + random.uniform(0.7, 2.4) * strip;
      const Color crop = jitter(random,
                                pick(random, {Color(70, 100, 50), Color(165, 145, 100),
                                              Color(100, 120, 65), Color(130, 105, 80)}),
                                18);
      const Polygon field = {grid.at(u, v), grid.at(u + strip - 4, v),
                             grid.at(u + strip - 4, next - 4), grid.at(u, next - 4)};
      shade_polygon(canvas, field, crop, 0.8);
      const double furrow = random.uniform(5, 12);
      for (double x = u; x < u + strip - 4 && random.chance(0.97); x += furrow) {
        draw_line(canvas, grid.at(x, v), grid.at(x, next - 4), {mix(crop, grey(0), 0.12), 1});
      }
      v = next;
    }
  }
  cv::addWeighted(canvas, 0.8, rows, 0.2, 0, canvas);
  if (random.chance(0.7))
    draw_road(
        canvas,
        smooth_path({grid.at(-reach, random.uniform(-90, 90)), grid.at(0, random.uniform(-90, 90)),
                     grid.at(reach, random.uniform(-90, 90))}),
        static_cast<int>(random.between(3, 9)), jitter(random, grey(125), 20));
  for (int i = static_cast<int>(random.below(5)); i > 0; --i) {
    draw_house(random, canvas, grid.at(random.uniform(-200, 200), random.uniform(-200, 200)),
               random.uniform(20, 50), random.uniform(15, 30), grid.turn_deg, {4, 4});
  }
  plant_trees(random, canvas, {0, 0, size.width * 1.0, size.height * 1.0},
              static_cast<int>(random.between(0, 60)), 6);
  return canvas;
}

cv::Mat draw_woods(Random& random, cv::Size size) {
  cv::Mat canvas = draw_ground(random, size, jitter(random, Color(50, 66, 42), 12), 30);
  const double radius = random.uniform(5, 12);
  const int count = static_cast<int>(size.area() / (radius * radius * 7));
  plant_trees(random, canvas, {0, 0, size.width * 1.0, size.height * 1.0}, count, radius);
  if (random.chance(0.6)) {
    const Point a(0, random.uniform(0, size.height)), b(size.width, random.uniform(0, size.height));
    draw_road(canvas, smooth_path({a, (a + b) * 0.5 + Point(0, random.uniform(-60, 60)), b}), 4,
              grey(135));
  }
  return canvas;
}

void draw_water(Random& random, cv::Mat& canvas) {
  const Color deep = jitter(random, Color(38, 62, 72), 16);
  const double w = canvas.cols, h = canvas.rows;
  Polygon shore = smooth_path({{-20, h * random.uniform(0.2, 0.9)},
                               {w * 0.35, h * random.uniform(0.3, 0.8)},
                               {w * 0.7, h * random.uniform(0.3, 0.8)},
                               {w + 20, h * random.uniform(0.2, 0.9)}});
  if (random.chance(0.6))
    draw_path(canvas, shore, false,
              {Color(200, 185, 150), static_cast<int>(random.between(4, 24))});
  shore.push_back({w + 20, h + 20});
  shore.push_back({-20, h + 20});
  fill_polygon(
      canvas, shore,
      texture(random, canvas.size(), 20, 3, mix(deep, grey(0), 0.08), mix(deep, grey(255), 0.06)));
}

void draw_sports_ground(Random& random, cv::Mat& canvas) {
  const Point at(canvas.cols * random.uniform(0.3, 0.7), canvas.rows * random.uniform(0.3, 0.7));
  const double r = std::min(canvas.cols, canvas.rows) * random.uniform(0.12, 0.25),
               turn = random.uniform(0, 180);
  fill_ellipse(canvas, at, r * 1.6, r, turn, Color(150, 80, 65));
  fill_ellipse(canvas, at, r * 1.35, r * 0.78, turn, jitter(random, Color(70, 105, 60), 12));
  draw_path(canvas, turned_box(at, r * 1.7, r, turn), true, {grey(220), 1});
}

// What a labelling tool or a map page puts over the imagery.
void draw_map_marks(Random& random, cv::Mat& canvas) {
  const Color mark = pick(
      random, {Color(250, 230, 40), Color(240, 50, 40), Color(255, 255, 255), Color(40, 160, 250)});
  for (int i = static_cast<int>(random.between(1, 4)); i > 0; --i) {
    const Point at(canvas.cols * random.uniform(0.1, 0.9), canvas.rows * random.uniform(0.1, 0.9));
    draw_path(canvas, blob(random, at, random.uniform(25, 110), random.uniform(25, 110), 0.25),
              true, {mark, 2});
    draw_text(canvas, random_words(random, 1), at, random.uniform(8, 14), mark, pick_font(random));
  }
  draw_circle(canvas,
              {canvas.cols * random.uniform(0.2, 0.8), canvas.rows * random.uniform(0.2, 0.8)}, 6,
              {Color(220, 40, 40), 4});
}

void draw_map_frame(Random& random, cv::Mat& canvas) {
  const double side = canvas.cols * random.uniform(0.08, 0.3), top = canvas.rows * 0.07;
  fill_box(canvas, {0, 0, side, canvas.rows * 1.0}, jitter(random, grey(245), 10));
  fill_box(canvas, {0, 0, canvas.cols * 1.0, top},
           jitter(random, pick(random, {grey(250), Color(60, 70, 170)}), 10));
  draw_paragraph(random, canvas, {8, top + 10, side - 16, canvas.rows * 0.6}, 6, grey(70), {});
}

}  // namespace

cv::Mat draw_satellite(Random& random, cv::Size size, double drift) {
  const double which = random.uniform();
  cv::Mat canvas = which < 0.55  ? draw_town(random, size)
                   : which < 0.8 ? draw_fields(random, size)
                                 : draw_woods(random, size);
  if (random.chance(0.25)) draw_water(random, canvas);
  if (random.chance(0.12)) draw_sports_ground(random, canvas);
  if (random.chance(0.5)) {
    cv::Mat haze = blank(size, jitter(random, Color(170, 175, 185), 15));
    const double thickness = random.uniform(0, 0.35);
    cv::addWeighted(haze, thickness, canvas, 1 - thickness, 0, canvas);
  }
  cast_color(canvas, {random.uniform(88, 114), random.uniform(90, 108), random.uniform(86, 110)});
  if (random.chance(0.7)) blur(canvas, random.uniform(0.4, 1.1));
  add_noise(random, canvas, random.uniform(2, 7));
  if (random.chance(0.3)) lose_detail(canvas, random.uniform(0.25, 0.7));
  if (random.chance(0.15 + 0.1 * drift)) draw_map_marks(random, canvas);
  if (random.chance(0.08 + 0.07 * drift)) draw_map_frame(random, canvas);
  return canvas;
}

}  // namespace fpcls::sample
