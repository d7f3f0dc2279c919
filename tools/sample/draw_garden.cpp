#include <algorithm>
#include <cmath>

#include "drawings.h"
#include "effects.h"
#include "plan_drawing.h"

namespace fpcls::sample {

void draw_tree_top(Random& random, cv::Mat& canvas, Point centre, double radius, const Color& leaf,
                   bool with_branches) {
  const Point light(-radius * 0.25, -radius * 0.25);
  shade_polygon(canvas, turned_box(centre - light * 1.6, radius * 1.7, radius * 1.7, 45), grey(15),
                0.35);
  fill_polygon(canvas, blob(random, centre, radius, radius, 0.16), leaf);
  fill_polygon(canvas, blob(random, centre + light, radius * 0.6, radius * 0.6, 0.25),
               mix(leaf, Color(220, 240, 150), 0.22));
  if (!with_branches) return;
  draw_circle(canvas, centre, radius, {mix(leaf, grey(0), 0.45), 1});
  for (int i = 0; i < 5; ++i) {
    const Polygon spokes = turned_box(centre, radius * 1.3, radius * 1.3, random.uniform(0, 360));
    draw_line(canvas, centre, spokes[0], {mix(leaf, grey(0), 0.35), 1});
  }
}

namespace {

struct Planting {
  Color lawn, leaf, paving, water;
  bool ink_only;  ///< outlines on pale washes, as landscape architects draw
};

Planting pick_planting(Random& random) {
  return {
      jitter(random,
             pick(random, {Color(150, 195, 100), Color(110, 165, 75), Color(190, 215, 150)}), 18),
      jitter(random, Color(60, 125, 55), 24),
      jitter(random, pick(random, {Color(215, 205, 190), Color(190, 160, 135), grey(200)}), 15),
      jitter(random, Color(95, 175, 215), 22), random.chance(0.2)};
}

void draw_beds(Random& random, cv::Mat& canvas, const Box& site, const Planting& p) {
  for (int i = static_cast<int>(random.between(3, 8)); i > 0; --i) {
    const Point at(random.uniform(site.x, site.br().x), random.uniform(site.y, site.br().y));
    const double r = std::min(site.width, site.height) * random.uniform(0.04, 0.14);
    const Polygon bed = blob(random, at, r * 1.6, r, 0.3);
    fill_polygon(canvas, bed, mix(p.leaf, p.lawn, random.uniform(0, 0.6)));
    draw_path(canvas, bed, true, {mix(p.leaf, grey(0), 0.3), 1});
    for (int n = 0; n < 14; ++n) {
      fill_circle(canvas, at + Point(random.uniform(-r, r), random.uniform(-r * 0.6, r * 0.6)),
                  random.uniform(1, 3),
                  pick(random, {Color(235, 110, 140), Color(250, 210, 70), Color(170, 110, 210),
                                Color(250, 250, 245)}));
    }
  }
}

void draw_garden_paths(Random& random, cv::Mat& canvas, const Box& site, const Planting& p) {
  const auto inside = [&] {
    return Point(site.x + site.width * random.uniform(), site.y + site.height * random.uniform());
  };
  for (int i = static_cast<int>(random.between(1, 3)); i > 0; --i) {
    const Polygon path = smooth_path(
        {Point(site.x, inside().y), inside(), inside(), Point(inside().x, site.br().y)});
    const int width = static_cast<int>(random.between(8, 22));
    draw_path(canvas, path, false, {mix(p.paving, grey(60), 0.5), width + 2});
    draw_path(canvas, path, false, {p.paving, width});
  }
}

void draw_pool(Random& random, cv::Mat& canvas, const Box& site, const Planting& p) {
  const Point at(site.x + site.width * random.uniform(0.2, 0.8),
                 site.y + site.height * random.uniform(0.2, 0.8));
  const double r = std::min(site.width, site.height) * random.uniform(0.08, 0.18);
  const bool natural = random.chance(0.5);
  const Polygon rim = natural ? blob(random, at, r * 1.5, r, 0.25)
                              : turned_box(at, r * 2.6, r * 1.3, pick(random, {0.0, 90.0}));
  fill_polygon(canvas, rim, p.water);
  draw_path(canvas, rim, true, {p.paving, natural ? 3 : 6});
  draw_path(canvas, blob(random, at, r * 0.6, r * 0.4, 0.2), true,
            {mix(p.water, grey(255), 0.5), 1});
}

// The house in its garden: a plan, a roof, or coloured blocks of flats.
void draw_site_building(Random& random, cv::Mat& canvas, const Box& site, const Planting& p) {
  const double w = site.width * random.uniform(0.22, 0.5),
               h = site.height * random.uniform(0.22, 0.45);
  const Box box(site.x + (site.width - w) * random.uniform(),
                site.y + (site.height - h) * random.uniform(), w, h);
  fill_box(canvas, {box.x - 8, box.y - 8, w + 16, h + 16}, p.paving);
  const double which = random.uniform();
  if (which < 0.45) {
    const FloorLayout layout = plan_layout(random, static_cast<int>(random.between(3, 7)));
    const View view = fit_view(layout, box);
    fill_floors(canvas, layout, view,
                random.chance(0.5) ? pastel_palette(random) : pale_palette(random));
    draw_walls(canvas, layout, view, {});
    if (random.chance(0.5))
      draw_room_labels(random, canvas, layout, view, {grey(0), pick_font(random), 7, false, false});
  } else if (which < 0.75) {
    const Color roof = jitter(random, pick(random, {Color(170, 95, 75), grey(130), grey(215)}), 20);
    fill_box(canvas, box, roof);
    for (double y = box.y; y < box.br().y; y += 6)
      draw_line(canvas, {box.x, y}, {box.br().x, y}, {mix(roof, grey(0), 0.15), 1});
    draw_box(canvas, box, {grey(50), 2});
  } else {
    for (int i = 0; i < 4; ++i) {
      const Box part(box.x + w / 2 * (i % 2), box.y + h / 2 * (i / 2), w / 2 - 3, h / 2 - 3);
      fill_box(canvas, part, jitter(random, Color(190, 150, 170), 65));
      draw_text(canvas, random_words(random, 1),
                {part.x + part.width / 2, part.y + part.height / 2}, 7, grey(20));
    }
  }
}

void draw_trees(Random& random, cv::Mat& canvas, const Box& site, const Planting& p) {
  const double radius = std::min(site.width, site.height) * random.uniform(0.025, 0.06);
  for (int i = static_cast<int>(random.between(6, 30)); i > 0; --i) {
    Point at(random.uniform(site.x, site.br().x), random.uniform(site.y, site.br().y));
    if (random.chance(0.6)) {  // along the fence
      (random.chance(0.5) ? at.x : at.y) = random.chance(0.5) ? 0 : 1e9;
      at = {std::clamp(at.x, site.x + radius, site.br().x - radius),
            std::clamp(at.y, site.y + radius, site.br().y - radius)};
    }
    const double r = radius * random.uniform(0.6, 1.4);
    if (p.ink_only) {
      draw_path(canvas, blob(random, at, r, r, 0.15), true, {p.leaf, 1});
      draw_circle(canvas, at, 2, {p.leaf, 1});
    } else {
      draw_tree_top(random, canvas, at, r, jitter(random, p.leaf, 20), random.chance(0.5));
    }
  }
}

cv::Mat draw_site_plan(Random& random, cv::Size size, double drift) {
  const Planting p = pick_planting(random);
  const bool white = random.chance(0.7 - 0.2 * drift);
  cv::Mat canvas = blank(size, white ? grey(255) : jitter(random, Color(228, 232, 214), 22));
  const double w = size.width, h = size.height;
  const bool legend = random.chance(0.5);
  const Box site(w * random.uniform(0.02, 0.1), h * random.uniform(0.03, 0.12),
                 w * (legend ? 0.66 : 0.86), h * random.uniform(0.7, 0.86));
  const Color lawn = p.ink_only ? mix(p.lawn, grey(255), 0.6) : p.lawn;
  cv::Mat grass =
      texture(random, size, 10, 3, mix(lawn, grey(0), 0.12), mix(lawn, grey(255), 0.12));
  fill_polygon(canvas,
               random.chance(0.6)
                   ? corners(site)
                   : blob(random, {site.x + site.width / 2, site.y + site.height / 2},
                          site.width * 0.5, site.height * 0.5, 0.12),
               grass);
  draw_garden_paths(random, canvas, site, p);
  draw_beds(random, canvas, site, p);
  if (random.chance(0.65)) draw_pool(random, canvas, site, p);
  if (random.chance(0.8)) draw_site_building(random, canvas, site, p);
  draw_trees(random, canvas, site, p);
  if (random.chance(0.5)) draw_path(canvas, corners(site), true, {grey(70), 2});
  if (legend)
    draw_paragraph(random, canvas, {w * 0.8, h * 0.15, w * 0.18, h * 0.7}, 6, grey(50),
                   pick_font(random));
  if (random.chance(0.5)) draw_compass(random, canvas, {w * 0.93, h * 0.93}, w * 0.03, grey(30));
  if (random.chance(0.5))
    draw_text(canvas, random_words(random, 2), {w * 0.35, h * 0.955}, 12, grey(30),
              pick_font(random));
  if (random.chance(0.3)) add_noise(random, canvas, 3);
  return canvas;
}

// Bushes and crowns of leaves in side view.
void draw_foliage(Random& random, cv::Mat& canvas, Point centre, double rx, double ry,
                  const Color& leaf) {
  fill_polygon(canvas, blob(random, centre, rx, ry, 0.2), mix(leaf, grey(0), 0.35));
  const int clumps = static_cast<int>(std::min(70.0, 12 + rx * ry / 60));
  for (int i = 0; i < clumps; ++i) {
    const double dx = random.uniform(-1, 1), dy = random.uniform(-1, 1);
    if (dx * dx + dy * dy > 1) continue;
    const double size = std::max(2.0, rx * random.uniform(0.06, 0.2));
    fill_circle(canvas, centre + Point(dx * rx, dy * ry), size,
                mix(jitter(random, leaf, 14), Color(225, 235, 150),
                    random.uniform(0, 0.35) * (0.6 - dy * 0.4)));
  }
}

void draw_standing_tree(Random& random, cv::Mat& canvas, Point foot, double height,
                        const Color& leaf) {
  const Color bark = jitter(random, Color(85, 65, 48), 14);
  fill_box(canvas, {foot.x - height * 0.03, foot.y - height * 0.6, height * 0.06, height * 0.6},
           bark);
  if (random.chance(0.2)) {  // a palm
    const Point top = foot - Point(0, height * 0.9);
    draw_line(canvas, foot, top, {bark, std::max(2, static_cast<int>(height * 0.035))});
    for (int i = 0; i < 11; ++i) {
      const double reach = height * random.uniform(-0.32, 0.32);
      draw_path(canvas,
                smooth_path({top, top + Point(reach * 0.6, -height * 0.1),
                             top + Point(reach, height * random.uniform(-0.02, 0.14))}),
                false, {jitter(random, leaf, 15), 3});
    }
    return;
  }
  draw_foliage(random, canvas, foot - Point(0, height * 0.7), height * random.uniform(0.2, 0.38),
               height * 0.33, leaf);
}

cv::Mat draw_view(Random& random, cv::Size size, double) {
  const double w = size.width, h = size.height, horizon = h * random.uniform(0.25, 0.5);
  const Color sky = jitter(
      random, pick(random, {Color(120, 175, 230), Color(195, 210, 225), Color(235, 200, 165)}), 18);
  cv::Mat canvas = texture(random, size, 90, 3, mix(sky, grey(255), random.uniform(0, 0.3)),
                           mix(sky, grey(255), 0.55));
  const Color lawn = jitter(
      random, pick(random, {Color(95, 140, 55), Color(120, 150, 70), Color(75, 115, 50)}), 15);
  const Color leaf = jitter(random, Color(55, 95, 42), 16);
  const Point far_left(0, horizon), far_right(w, horizon);
  fill_polygon(
      canvas, {far_left, far_right, {w, h}, {0, h}},
      texture(random, size, 7, 3, mix(lawn, grey(0), 0.25), mix(lawn, Color(230, 235, 140), 0.25)));
  if (random.chance(0.35)) {
    const Box house(w * random.uniform(0.05, 0.6), horizon - h * 0.16, w * 0.32, h * 0.17);
    fill_box(canvas, house, jitter(random, Color(205, 190, 170), 25));
    fill_polygon(canvas,
                 {{house.x - 8, house.y},
                  {house.x + house.width / 2, house.y - h * 0.09},
                  {house.br().x + 8, house.y}},
                 Color(130, 80, 65));
    for (int i = 0; i < 3; ++i)
      fill_box(canvas,
               {house.x + house.width * (0.12 + 0.3 * i), house.y + house.height * 0.25,
                house.width * 0.15, house.height * 0.4},
               Color(70, 85, 100));
  }
  for (double x = 0; x < w; x += w * 0.07)
    draw_foliage(random, canvas, {x, horizon - 4}, w * 0.06, h * random.uniform(0.03, 0.1),
                 jitter(random, leaf, 10));
  if (random.chance(0.6)) {
    const double x = w * random.uniform(0.2, 0.8), foot = w * random.uniform(0.1, 0.3);
    Polygon edge = smooth_path(
        {{x, horizon}, {x + random.uniform(-0.1, 0.1) * w, (horizon + h) / 2}, {w / 2 - foot, h}});
    const Polygon back = smooth_path({{w / 2 + foot, h},
                                      {x + random.uniform(0.02, 0.2) * w, (horizon + h) / 2},
                                      {x + 4, horizon}});
    edge.insert(edge.end(), back.begin(), back.end());
    fill_polygon(canvas, edge, texture(random, size, 5, 2, grey(130), Color(210, 200, 185)));
  } else if (random.chance(0.5)) {
    fill_ellipse(canvas, {w * random.uniform(0.3, 0.7), (horizon + h) / 2}, w * 0.25, h * 0.1, 0,
                 jitter(random, Color(90, 150, 185), 20));
  }
  for (int i = static_cast<int>(random.between(2, 6)); i > 0; --i)
    draw_standing_tree(random, canvas,
                       {random.uniform(0, w), horizon + h * random.uniform(0, 0.12)},
                       h * random.uniform(0.25, 0.7), jitter(random, leaf, 14));
  for (int i = static_cast<int>(random.between(2, 7)); i > 0; --i) {
    const Point at(random.uniform(0, w), random.uniform(horizon + h * 0.1, h));
    draw_foliage(random, canvas, at, w * random.uniform(0.05, 0.14), h * random.uniform(0.04, 0.1),
                 jitter(random, leaf, 18));
    const Color bloom = pick(random, {Color(230, 80, 110), Color(245, 215, 80),
                                      Color(160, 110, 200), Color(245, 240, 240)});
    for (int n = static_cast<int>(random.below(20)); n > 0; --n)
      fill_circle(canvas, at + Point(random.uniform(-40, 40), random.uniform(-20, 20)), 3,
                  jitter(random, bloom, 20));
  }
  light_unevenly(random, canvas, random.uniform(0.2, 0.9));
  blur(canvas, random.uniform(0.5, 1.2));
  add_noise(random, canvas, random.uniform(2, 6));
  return canvas;
}

}  // namespace

cv::Mat draw_garden(Random& random, cv::Size size, double drift) {
  return random.chance(0.62 - 0.15 * drift) ? draw_site_plan(random, size, drift)
                                            : draw_view(random, size, drift);
}

}  // namespace fpcls::sample
