#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plan_drawing.h"

namespace fpcls::sample {
namespace {

std::string room_name(RoomKind kind, int language) {
  static constexpr const char* kNames[3][kRoomKinds] = {
      {"Living", "Bedroom", "Kitchen", "Bath", "Hall", "Store", "Balcony"},
      {"SEJOUR", "CHAMBRE", "CUISINE", "SDB", "DGT", "CELLIER", "TERRASSE"},
      {"Wohnen", "Schlafen", "Kueche", "Bad", "Flur", "Abst.", "Balkon"}};
  return kNames[language][static_cast<int>(kind)];
}

// Both ends of every wall that is perpendicular to the chain.
std::vector<double> chain_stops(const FloorLayout& layout, bool along_x) {
  std::vector<double> stops;
  for (const Room& room : layout.rooms) {
    stops.push_back(along_x ? room.box.x : room.box.y);
    stops.push_back(along_x ? room.box.br().x : room.box.br().y);
  }
  std::sort(stops.begin(), stops.end());
  const auto close = [](double a, double b) { return b - a < 0.7; };
  stops.erase(std::unique(stops.begin(), stops.end(), close), stops.end());
  return stops;
}

void draw_chain(cv::Mat& canvas, const std::vector<double>& stops, const View& view, bool along_x,
                double place_px, const Pen& pen, bool millimetres) {
  const auto at = [&](double metres) {
    return along_x ? Point(view.at(Point(metres, 0)).x, place_px)
                   : Point(place_px, view.at(Point(0, metres)).y);
  };
  if (stops.size() < 2) return;
  draw_line(canvas, at(stops.front()), at(stops.back()), pen);
  for (size_t i = 0; i < stops.size(); ++i) {
    draw_line(canvas, at(stops[i]) - Point(3, -3), at(stops[i]) + Point(3, -3), pen);
    if (i == 0) continue;
    const double length = stops[i] - stops[i - 1];
    const std::string text =
        millimetres ? fmt::format("{:.0f}", length * 1000) : fmt::format("{:.2f}", length);
    const Point middle = (at(stops[i]) + at(stops[i - 1])) * 0.5;
    draw_text(canvas, text, middle - (along_x ? Point(0, 7) : Point(12, 0)), 6, pen.color);
  }
}

}  // namespace

void draw_room_labels(Random& random, cv::Mat& canvas, const FloorLayout& layout, const View& view,
                      const LabelStyle& style) {
  const int language = static_cast<int>(random.below(3));
  Font digits = style.font;
  digits.ideographs = false;
  for (const Room& room : layout.rooms) {
    const Box box = view.at(room.box);
    const Point centre(box.x + box.width / 2, box.y + box.height / 2);
    const double height = std::min(style.height_px, box.width / 7);
    if (height < 4) continue;
    draw_text(canvas, room_name(room.kind, language), centre, height, style.color, style.font);
    const Point below = centre + Point(0, height * 1.8);
    if (style.areas) {
      draw_text(canvas, fmt::format("{:.1f} m2", room.box.area()), below, height * 0.8, style.color,
                digits);
    } else if (style.dimensions) {
      draw_text(canvas, fmt::format("{:.1f}x{:.1f}", room.box.width, room.box.height), below,
                height * 0.8, style.color, digits);
    }
  }
}

void draw_dimensions(Random& random, cv::Mat& canvas, const FloorLayout& layout, const View& view,
                     const Pen& pen, int sides) {
  const Box bounds = view.at(layout.bounds);
  const bool millimetres = random.chance(0.6);
  const double gap = random.uniform(12, 24);
  const std::vector<double> places = {bounds.y - gap, bounds.x - gap, bounds.br().y + gap,
                                      bounds.br().x + gap};
  for (int i = 0; i < sides; ++i) {
    const bool along_x = i % 2 == 0;
    const double outwards = i < 2 ? -14 : 14;
    const double place = places[static_cast<size_t>(i)];
    std::vector<double> stops = chain_stops(layout, along_x);
    draw_chain(canvas, stops, view, along_x, place, pen, millimetres);
    if (stops.size() < 3 || random.chance(0.4)) continue;
    draw_chain(canvas, {stops.front(), stops.back()}, view, along_x, place + outwards, pen,
               millimetres);
  }
}

void draw_compass(Random& random, cv::Mat& canvas, Point centre, double radius,
                  const Color& color) {
  if (random.chance(0.6)) draw_circle(canvas, centre, radius, {color, 1});
  const double turn = random.uniform(0, 360);
  const Polygon axes = turned_box(centre, radius * 1.6, radius * 1.6, turn);
  fill_polygon(
      canvas,
      {axes[0], centre + (axes[1] - centre) * 0.2, axes[2], centre + (axes[3] - centre) * 0.2},
      color);
  draw_text(canvas, "N", axes[0] + (axes[0] - centre) * 0.35, radius * 0.6, color);
}

void draw_logo(Random& random, cv::Mat& canvas, const Box& box) {
  const Color color = jitter(random,
                             pick(random, {Color(200, 40, 40), Color(30, 90, 170),
                                           Color(40, 140, 70), Color(210, 150, 40)}),
                             30);
  const Point centre(box.x + box.height / 2, box.y + box.height / 2);
  const double radius = box.height * 0.4;
  switch (random.below(4)) {
    case 0:
      fill_circle(canvas, centre, radius, color);
      fill_circle(canvas, centre + Point(radius * 0.4, 0), radius * 0.6, grey(255));
      break;
    case 1:
      fill_polygon(canvas,
                   {centre + Point(0, -radius), centre + Point(radius, radius),
                    centre + Point(-radius, radius)},
                   color);
      break;
    case 2:
      for (int i = 0; i < 3; ++i) {
        fill_polygon(
            canvas,
            turned_box(centre, radius * (1.9 - i * 0.6), radius * (1.9 - i * 0.6), i * 45.0),
            mix(color, grey(255), i % 2));
      }
      break;
    default:
      fill_polygon(canvas, blob(random, centre, radius, radius, 0.3), color);
  }
  draw_text(canvas, random_words(random, 1), {box.x + box.height * 1.1, centre.y},
            box.height * 0.35, color, pick_font(random), Align::left);
}

void draw_table(Random& random, cv::Mat& canvas, const Box& box, const Color& color,
                const Font& font) {
  const int columns = static_cast<int>(random.between(2, 4));
  const double row = std::max(9.0, box.height / std::max(3.0, std::floor(box.height / 15)));
  const double column = box.width / columns;
  Font digits = font;
  digits.ideographs = false;
  for (double y = box.y; y < box.br().y - 1; y += row) {
    draw_line(canvas, {box.x, y}, {box.br().x, y}, {color, 1});
    const Point middle(box.x + column / 2, y + row / 2);
    const double height = std::min(row * 0.45, column / 8);
    draw_text(canvas, random_words(random, 1), middle, height, color, font);
    for (int i = 1; i < columns; ++i) {
      draw_text(canvas, fmt::format("{:.1f}", random.uniform(2, 90)), middle + Point(column * i, 0),
                height, color, digits);
    }
  }
  for (int i = 0; i <= columns; ++i) {
    draw_line(canvas, {box.x + column * i, box.y}, {box.x + column * i, box.br().y}, {color, 1});
  }
  draw_box(canvas, box, {color, 1});
}

void draw_paragraph(Random& random, cv::Mat& canvas, const Box& box, double height_px,
                    const Color& color, const Font& font) {
  const int words = std::max(1, static_cast<int>(box.width / (height_px * 6.5)));
  for (double y = box.y + height_px; y < box.br().y - height_px; y += height_px * 2) {
    draw_text(canvas, random_words(random, random.chance(0.15) ? (words + 1) / 2 : words),
              {box.x, y}, height_px, color, font, Align::left);
  }
}

}  // namespace fpcls::sample
