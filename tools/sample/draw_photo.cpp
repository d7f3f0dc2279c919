#include "drawings.h"
#include "effects.h"
#include "plan_drawing.h"

namespace fpcls::sample {
namespace {

// Lines that miss their ends a little, on plain or squared paper.
cv::Mat draw_by_hand(Random& random, cv::Size size) {
  cv::Mat page = blank(size, jitter(random, grey(246), 8));
  if (random.chance(0.4)) {
    const double step = random.uniform(10, 18);
    const Color ruling(190, 200, 220);
    for (double x = step; x < size.width; x += step)
      draw_line(page, {x, 0}, {x, size.height * 1.0}, {ruling, 1});
    for (double y = step; y < size.height; y += step)
      draw_line(page, {0, y}, {size.width * 1.0, y}, {ruling, 1});
  }
  const FloorLayout layout = plan_layout(random, static_cast<int>(random.between(3, 7)));
  const View view = fit_view(
      layout, {size.width * 0.12, size.height * 0.12, size.width * 0.76, size.height * 0.76});
  const Color ink = jitter(random, pick(random, {Color(30, 40, 130), grey(30), grey(90)}), 20);
  const auto near = [&](Point point) {
    return view.at(point) + Point(random.uniform(-3, 3), random.uniform(-3, 3));
  };
  for (const Wall& wall : layout.walls) {
    const Point a = near(wall.from), b = near(wall.to);
    draw_path(page, smooth_path({a, near((wall.from + wall.to) * 0.5), b}), false, {ink, 2});
  }
  draw_room_labels(
      random, page, layout, view,
      {ink, {3, false, random.chance(0.4)}, random.uniform(9, 15), random.chance(0.3), false});
  return page;
}

cv::Mat draw_subject(Random& random, cv::Size size, double drift) {
  const double which = random.uniform();
  if (which < 0.35) return draw_wireframe(random, size, drift);
  if (which < 0.6) return draw_simple(random, size, drift);
  if (which < 0.8) return draw_complex(random, size, drift);
  return draw_by_hand(random, size);
}

cv::Mat draw_table_top(Random& random, cv::Size size) {
  const Color base = jitter(random,
                            pick(random, {Color(120, 85, 55), Color(70, 60, 55), grey(90),
                                          Color(165, 140, 110), Color(40, 40, 45)}),
                            20);
  cv::Mat grain = fractal_noise(random, {size.width, size.height / 8 + 2}, 24, 3);
  cv::Mat stretched = cv::repeat(grain, 8, 1)(cv::Rect({}, size));
  return tint(stretched, mix(base, grey(0), 0.35), mix(base, grey(255), 0.15));
}

// The sheet's corners in the picture: all of it in sight, or so near that only paper is.
Polygon sheet_corners(Random& random, cv::Size size, double skew, bool close) {
  const double inset = close ? -0.08 : random.uniform(0.04, 0.16);
  const auto off = [&](double extent) { return extent * (inset + random.uniform(-skew, skew)); };
  const double w = size.width, h = size.height;
  return {{off(w), off(h)}, {w - off(w), off(h)}, {w - off(w), h - off(h)}, {off(w), h - off(h)}};
}

cv::Mat photograph_paper(Random& random, cv::Size size, double drift) {
  cv::Mat sheet = draw_subject(random, size, drift);
  cast_color(sheet, {random.uniform(88, 99), random.uniform(86, 97), random.uniform(80, 95)});
  cv::Mat scene = draw_table_top(random, size);
  const bool close = random.chance(0.4);
  const Polygon quad = sheet_corners(random, size, close ? 0.04 : 0.09, close);
  Polygon below = quad;
  for (Point& corner : below) corner += Point(random.uniform(2, 8), random.uniform(2, 8));
  if (!close) shade_polygon(scene, below, grey(15), 0.5);
  project_onto(scene, sheet, quad);
  if (random.chance(0.35)) {  // a fold
    const double x = size.width * random.uniform(0.3, 0.7);
    const Polygon right = {{x, 0},
                           {size.width * 1.0, 0},
                           {size.width * 1.0, size.height * 1.0},
                           {x + random.uniform(-20, 20), size.height * 1.0}};
    shade_polygon(scene, right, grey(60), random.uniform(0.05, 0.15));
  }
  return scene;
}

cv::Mat photograph_screen(Random& random, cv::Size size, double drift) {
  cv::Mat shown = draw_subject(random, size, drift);
  cast_color(shown, {random.uniform(80, 95), random.uniform(84, 97), random.uniform(92, 103)});
  const bool close = random.chance(0.45);
  cv::Mat scene = texture(random, size, 120, 2, grey(20), jitter(random, grey(80), 25));
  const Polygon quad = sheet_corners(random, size, close ? 0.03 : 0.06, close);
  draw_path(scene, quad, true, {grey(random.uniform(5, 35)), size.width / 14});
  project_onto(scene, shown, quad);
  add_moire(random, scene, random.uniform(3, 14));
  if (random.chance(0.6)) add_glare(random, scene);
  return scene;
}

}  // namespace

cv::Mat draw_photo(Random& random, cv::Size size, double drift) {
  const bool screen = random.chance(0.25 + 0.15 * drift);
  cv::Mat scene =
      screen ? photograph_screen(random, size, drift) : photograph_paper(random, size, drift);
  light_unevenly(random, scene, random.uniform(screen ? 0.15 : 0.35, 0.9));
  if (!screen && random.chance(0.45)) cast_shadow(random, scene, random.uniform(0.15, 0.5));
  if (random.chance(0.6)) blur(scene, random.uniform(0.5, 1.4));
  add_noise(random, scene, random.uniform(1, 8));
  if (random.chance(0.4)) {
    cast_color(scene, {random.uniform(88, 106), random.uniform(90, 102), random.uniform(78, 104)});
  }
  return scene;
}

}  // namespace fpcls::sample
