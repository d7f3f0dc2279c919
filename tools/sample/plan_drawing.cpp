#include "plan_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace fpcls::sample {
namespace {

Box wall_box(const Wall& wall, const View& view, double thickness_m, double extra_px) {
  const double half = thickness_m * view.px_per_m / 2 + extra_px;
  const Point from = view.at(wall.from), to = view.at(wall.to);
  return {Point(std::min(from.x, to.x) - half, std::min(from.y, to.y) - half),
          Point(std::max(from.x, to.x) + half, std::max(from.y, to.y) + half)};
}

void fill_walls(cv::Mat& canvas, const FloorLayout& layout, const View& view,
                const WallStyle& style, const Color& color, double extra_px) {
  for (const Wall& wall : layout.walls) {
    const double thickness =
        std::max(wall.outer ? style.outer_m : style.inner_m, 1.5 / view.px_per_m);
    fill_box(canvas, wall_box(wall, view, thickness, extra_px), color);
  }
}

void hatch_walls(cv::Mat& canvas, const FloorLayout& layout, const View& view,
                 const WallStyle& style) {
  cv::Mat hatch = blank(canvas.size(), style.between);
  for (int x = -canvas.rows; x < canvas.cols; x += 5) {
    draw_line(hatch, Point(x, canvas.rows), Point(x + canvas.rows, 0), {style.color, 1});
  }
  for (const Wall& wall : layout.walls) {
    const double thickness = wall.outer ? style.outer_m : style.inner_m;
    fill_polygon(canvas, corners(wall_box(wall, view, thickness, -1)), hatch);
  }
}

void draw_window(cv::Mat& canvas, const Point& from, const Point& to, const Point& across,
                 double half_px, const Pen& pen) {
  for (const double place : {-1.0, 0.0, 1.0}) {
    draw_line(canvas, from + across * (half_px * place), to + across * (half_px * place), pen);
  }
  draw_line(canvas, from - across * half_px, from + across * half_px, pen);
  draw_line(canvas, to - across * half_px, to + across * half_px, pen);
}

void draw_door(cv::Mat& canvas, const Point& from, const Point& to, const Point& into,
               const Pen& pen) {
  const Point leaf = to - from;
  const double width = std::abs(leaf.x) + std::abs(leaf.y);
  draw_line(canvas, from, from + into * width, pen);
  const bool along_x = std::abs(leaf.x) > std::abs(leaf.y);
  const double start = along_x ? (into.y > 0 ? 0 : 270) : (into.x > 0 ? 0 : 90);
  draw_arc(canvas, from, width, start, start + 90, pen);
}

}  // namespace

View fit_view(const FloorLayout& layout, const Box& area_px) {
  const Box& bounds = layout.bounds;
  const double scale = std::min(area_px.width / bounds.width, area_px.height / bounds.height);
  const Point middle(area_px.x + area_px.width / 2, area_px.y + area_px.height / 2);
  return {scale, middle - Point(bounds.x + bounds.width / 2, bounds.y + bounds.height / 2) * scale};
}

void draw_walls(cv::Mat& canvas, const FloorLayout& layout, const View& view,
                const WallStyle& style) {
  fill_walls(canvas, layout, view, style, style.color, 0);
  if (style.fill == WallFill::solid) return;
  // What stays of the first pass is the outline of all walls together.
  fill_walls(canvas, layout, view, style, style.between, -1);
  if (style.fill == WallFill::hatched) hatch_walls(canvas, layout, view, style);
}

void draw_openings(cv::Mat& canvas, const FloorLayout& layout, const View& view,
                   const WallStyle& walls, const Pen& pen, const Color& floor) {
  const double half = std::max(2.0, walls.outer_m * view.px_per_m / 2);
  for (const Opening& opening : layout.openings) {
    const Point from = view.at(opening.from), to = view.at(opening.to);
    const Point across(std::abs(opening.into.x), std::abs(opening.into.y));
    fill_box(canvas, Box(from - across * (half + 1), to + across * (half + 1)), floor);
    if (opening.kind == OpeningKind::window) draw_window(canvas, from, to, across, half, pen);
    if (opening.kind == OpeningKind::door) draw_door(canvas, from, to, opening.into, pen);
  }
}

Palette pastel_palette(Random& random) {
  Palette palette = {Color(250, 236, 205), Color(255, 222, 190), Color(226, 238, 210),
                     Color(205, 228, 245), Color(245, 240, 225), Color(225, 220, 235),
                     Color(215, 235, 215)};
  for (Color& color : palette) color = jitter(random, color, 18);
  return palette;
}

Palette vivid_palette(Random& random) {
  Palette palette = {Color(128, 0, 0),    Color(250, 60, 50),  Color(40, 220, 60),
                     Color(20, 40, 230),  Color(250, 210, 60), Color(0, 220, 230),
                     Color(130, 130, 130)};
  for (size_t i = palette.size(); i > 1; --i) {
    std::swap(palette[i - 1], palette[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  }
  for (Color& color : palette) color = jitter(random, color, 30);
  return palette;
}

Palette pale_palette(Random& random) {
  const Color base = jitter(random, grey(232), 14);
  Palette palette;
  for (Color& color : palette) color = mix(base, grey(random.uniform(225, 250)), random.uniform());
  return palette;
}

Palette material_palette(Random& random) {
  const Color wood = pick(random, {Color(226, 188, 128), Color(196, 152, 104), Color(120, 98, 86),
                                   Color(240, 214, 172), Color(176, 140, 122)});
  const Color tile = pick(random, {Color(205, 222, 235), Color(225, 225, 228), Color(150, 170, 205),
                                   Color(236, 228, 214)});
  Palette palette = {mix(wood, grey(255), random.uniform(0, 0.5)),
                     wood,
                     tile,
                     tile,
                     mix(wood, grey(255), 0.5),
                     grey(215),
                     Color(226, 232, 214)};
  for (Color& color : palette) color = jitter(random, color, 12);
  return palette;
}

void fill_floors(cv::Mat& canvas, const FloorLayout& layout, const View& view,
                 const Palette& palette) {
  for (const Room& room : layout.rooms) {
    fill_box(canvas, view.at(room.box), palette[static_cast<size_t>(room.kind)]);
  }
}

void fill_material_floors(Random& random, cv::Mat& canvas, const FloorLayout& layout,
                          const View& view, const Palette& palette, double strength) {
  fill_floors(canvas, layout, view, palette);
  for (const Room& room : layout.rooms) {
    const Box box = view.at(room.box);
    const Color seam = mix(palette[static_cast<size_t>(room.kind)], grey(40), 0.3 * strength);
    const bool tiles = room.kind == RoomKind::kitchen || room.kind == RoomKind::bath ||
                       room.kind == RoomKind::balcony || random.chance(0.2);
    const double step = std::max(4.0, (tiles ? 0.4 : 0.25) * view.px_per_m);
    for (double y = box.y + step; y < box.br().y; y += step) {
      draw_line(canvas, {box.x, y}, {box.br().x, y}, {seam, 1});
      if (tiles) continue;
      const double x = box.x + random.uniform(0.1, 0.9) * box.width;
      draw_line(canvas, {x, y - step}, {x, y}, {seam, 1});
    }
    for (double x = box.x + step; tiles && x < box.br().x; x += step) {
      draw_line(canvas, {x, box.y}, {x, box.br().y}, {seam, 1});
    }
  }
}

}  // namespace fpcls::sample
