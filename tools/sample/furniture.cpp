#include <algorithm>

#include "plan_drawing.h"

namespace fpcls::sample {
namespace {

/// Draws the furniture of one room, in metres from the corner that the pieces stand against.
class Furnisher {
 public:
  Furnisher(Random& random, cv::Mat& canvas, const View& view, const FurnitureStyle& style,
            const Box& room)
      : random_(random),
        canvas_(canvas),
        view_(view),
        style_(style),
        room_(room),
        flip_x_(random.chance(0.5)),
        flip_y_(random.chance(0.5)),
        swap_(room.height > room.width) {}

  void furnish(RoomKind kind) {
    switch (kind) {
      case RoomKind::bedroom:
        bed(), maybe(&Furnisher::wardrobe), maybe(&Furnisher::desk);
        break;
      case RoomKind::living:
        sofa(), maybe(&Furnisher::dining), maybe(&Furnisher::television), maybe(&Furnisher::plant);
        break;
      case RoomKind::kitchen:
        counter(), maybe(&Furnisher::stove);
        break;
      case RoomKind::bath:
        toilet(), maybe(&Furnisher::bath_tub), maybe(&Furnisher::basin);
        break;
      case RoomKind::store:
        maybe(&Furnisher::wardrobe);
        break;
      case RoomKind::balcony:
        maybe(&Furnisher::plant);
        break;
      case RoomKind::hall:
        break;
    }
  }

 private:
  double length() const { return std::max(room_.width, room_.height); }
  double depth() const { return std::min(room_.width, room_.height); }
  void maybe(void (Furnisher::*draw)()) {
    if (random_.chance(style_.chance * 0.8)) (this->*draw)();
  }

  // (along, across) are metres from the chosen corner, along the longer wall and away from it.
  Box place(double along, double across, double size_along, double size_across) const {
    double x = swap_ ? across : along, y = swap_ ? along : across;
    const double w = swap_ ? size_across : size_along, h = swap_ ? size_along : size_across;
    if (flip_x_) x = room_.width - x - w;
    if (flip_y_) y = room_.height - y - h;
    return view_.at(Box(room_.x + x, room_.y + y, w, h) & room_);
  }

  void piece(const Box& box, const Color& color) {
    if (box.area() < 4) return;
    if (style_.filled) fill_box(canvas_, box, color);
    draw_box(canvas_, box, style_.pen);
  }
  void round_piece(const Box& box, const Color& color) {
    const Point centre(box.x + box.width / 2, box.y + box.height / 2);
    const double radius = std::min(box.width, box.height) / 2;
    if (radius < 1) return;
    if (style_.filled) fill_circle(canvas_, centre, radius, color);
    draw_circle(canvas_, centre, radius, style_.pen);
  }

  void bed() {
    const double wide = std::min(random_.uniform(1.2, 1.9), depth() * 0.6);
    const double along = std::max(0.3, (length() - wide) / 2), deep = std::min(2.0, depth() - 0.5);
    piece(place(along, 0.15, wide, deep), style_.main);
    piece(place(along, 0.15 + deep * 0.35, wide, deep * 0.65),
          mix(style_.main, style_.second, 0.4));
    piece(place(along + 0.1, 0.25, wide / 2 - 0.15, 0.35), grey(255));
    piece(place(along + wide / 2 + 0.05, 0.25, wide / 2 - 0.15, 0.35), grey(255));
    piece(place(along - 0.4, 0.15, 0.35, 0.35), style_.second);
  }
  void wardrobe() {
    const Box box = place(0.15, depth() - 0.7, length() * 0.4, 0.55);
    piece(box, style_.second);
    draw_line(canvas_, box.tl(), box.br(), style_.pen);
  }
  void desk() {
    piece(place(length() - 1.4, depth() - 0.7, 1.1, 0.5), style_.second);
    round_piece(place(length() - 1.0, depth() - 1.1, 0.4, 0.4), style_.main);
  }
  void sofa() {
    piece(place(0.2, 0.2, std::min(2.2, length() * 0.5), 0.8), style_.main);
    piece(place(0.2, 0.2, std::min(2.2, length() * 0.5), 0.25), mix(style_.main, grey(0), 0.15));
    piece(place(0.5, 1.3, 1.1, 0.6), style_.second);
    if (random_.chance(0.5)) piece(place(0.2, 1.0, 0.8, 1.2), style_.main);
  }
  void dining() {
    const double at = length() * 0.65, across = depth() * 0.55;
    for (const double chair : {0.1, 0.75}) {
      round_piece(place(at + chair, across - 0.4, 0.4, 0.4), style_.main);
      round_piece(place(at + chair, across + 0.7, 0.4, 0.4), style_.main);
    }
    random_.chance(0.7) ? piece(place(at, across, 1.3, 0.75), style_.second)
                        : round_piece(place(at, across - 0.3, 1.2, 1.2), style_.second);
  }
  void television() { piece(place(0.4, depth() - 0.5, 1.6, 0.3), grey(80)); }
  void plant() {
    const Box box = place(length() - 0.6, 0.15, 0.45, 0.45);
    round_piece(box, Color(90, 160, 80));
    draw_line(canvas_, box.tl(), box.br(), style_.pen);
    draw_line(canvas_, {box.x, box.br().y}, {box.br().x, box.y}, style_.pen);
  }
  void counter() {
    piece(place(0.1, 0.1, length() - 0.2, 0.55), style_.second);
    piece(place(0.1, 0.1, 0.55, depth() * 0.6), style_.second);
    piece(place(length() * 0.5, 0.2, 0.6, 0.35), grey(245));
  }
  void stove() {
    for (const double x : {0.0, 0.25}) {
      round_piece(place(length() * 0.25 + x, 0.15, 0.2, 0.2), grey(70));
      round_piece(place(length() * 0.25 + x, 0.4, 0.2, 0.2), grey(70));
    }
  }
  void toilet() {
    piece(place(0.3, 0.1, 0.4, 0.2), grey(250));
    round_piece(place(0.28, 0.28, 0.44, 0.44), grey(250));
  }
  void bath_tub() {
    const Box box = place(length() - 0.85, 0.1, 0.75, std::min(1.6, depth() - 0.2));
    piece(box, grey(250));
    piece({box.x + box.width * 0.12, box.y + box.height * 0.1, box.width * 0.76, box.height * 0.8},
          Color(225, 238, 246));
  }
  void basin() { round_piece(place(0.9, 0.1, 0.4, 0.4), grey(248)); }

  Random& random_;
  cv::Mat& canvas_;
  const View& view_;
  const FurnitureStyle& style_;
  const Box room_;
  const bool flip_x_, flip_y_, swap_;
};

}  // namespace

void draw_furniture(Random& random, cv::Mat& canvas, const FloorLayout& layout, const View& view,
                    const FurnitureStyle& style) {
  for (const Room& room : layout.rooms) {
    if (!random.chance(style.chance)) continue;
    Furnisher(random, canvas, view, style, room.box).furnish(room.kind);
  }
}

}  // namespace fpcls::sample
