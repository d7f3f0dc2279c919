#pragma once

#include <array>

#include "canvas.h"
#include "floor_layout.h"

/// The parts of which a floor plan on paper consists; each class puts them together in its way.
namespace fpcls::sample {

/// Metres to pixels.
struct View {
  double px_per_m;
  Point origin_px;

  Point at(Point metres) const { return origin_px + metres * px_per_m; }
  Box at(const Box& metres) const {
    const Point corner = at(metres.tl());
    return {corner.x, corner.y, metres.width * px_per_m, metres.height * px_per_m};
  }
};

/// The largest view of `layout` within `area_px`, in its middle.
View fit_view(const FloorLayout& layout, const Box& area_px);

enum class WallFill { solid, hollow, hatched };

struct WallStyle {
  WallFill fill = WallFill::solid;
  Color color = grey(0);      ///< of the walls' lines, or of solid walls
  Color between = grey(255);  ///< inside hollow and hatched walls
  double outer_m = 0.24;
  double inner_m = 0.12;
};
void draw_walls(cv::Mat& canvas, const FloorLayout& layout, const View& view,
                const WallStyle& style);

/// Doors with their swing, windows as lines, over walls that are already there.
void draw_openings(cv::Mat& canvas, const FloorLayout& layout, const View& view,
                   const WallStyle& walls, const Pen& pen, const Color& floor);

/// A floor's colours for each kind of room.
using Palette = std::array<Color, kRoomKinds>;
Palette pastel_palette(Random& random);
Palette vivid_palette(Random& random);
/// Shades of one colour near white.
Palette pale_palette(Random& random);
Palette material_palette(Random& random);

void fill_floors(cv::Mat& canvas, const FloorLayout& layout, const View& view,
                 const Palette& palette);
/// Floors with boards or tiles drawn in; `strength` 0..1 is the contrast of the seams.
void fill_material_floors(Random& random, cv::Mat& canvas, const FloorLayout& layout,
                          const View& view, const Palette& palette, double strength);

struct FurnitureStyle {
  Pen pen;
  bool filled = false;
  Color main = grey(255);    ///< beds, sofas
  Color second = grey(230);  ///< tables, cupboards
  double chance = 1;         ///< that a piece is there at all
};
void draw_furniture(Random& random, cv::Mat& canvas, const FloorLayout& layout, const View& view,
                    const FurnitureStyle& style);

struct LabelStyle {
  Color color = grey(0);
  Font font;
  double height_px = 9;
  bool areas = false;       ///< a second line, "12.4 m2"
  bool dimensions = false;  ///< a second line, "3.1 x 4.0"
};
void draw_room_labels(Random& random, cv::Mat& canvas, const FloorLayout& layout, const View& view,
                      const LabelStyle& style);

/// Chains of dimensions along `sides` of the outline (1 to 4).
void draw_dimensions(Random& random, cv::Mat& canvas, const FloorLayout& layout, const View& view,
                     const Pen& pen, int sides);

void draw_compass(Random& random, cv::Mat& canvas, Point centre, double radius, const Color& color);
void draw_logo(Random& random, cv::Mat& canvas, const Box& box);
/// A framed table of invented words and figures.
void draw_table(Random& random, cv::Mat& canvas, const Box& box, const Color& color,
                const Font& font);
/// Lines of invented text, `height_px` high, from the top of `box` down.
void draw_paragraph(Random& random, cv::Mat& canvas, const Box& box, double height_px,
                    const Color& color, const Font& font);

}  // namespace fpcls::sample
