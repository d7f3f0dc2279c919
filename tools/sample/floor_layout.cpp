#include "floor_layout.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace fpcls::sample {
namespace {

constexpr double kMinSide_m = 1.5;

double to_decimetre(double metres) { return std::floor(metres * 10 + 0.5) / 10; }

std::vector<Box> split_into_boxes(Random& random, Box whole, int count) {
  std::vector<Box> boxes = {whole};
  while (static_cast<int>(boxes.size()) < count) {
    auto largest = std::max_element(boxes.begin(), boxes.end(),
                                    [](const Box& a, const Box& b) { return a.area() < b.area(); });
    Box first = *largest, second = *largest;
    const bool upright = first.width * random.uniform(0.7, 1.4) > first.height;
    const double side = upright ? first.width : first.height;
    const double cut = to_decimetre(side * random.uniform(0.3, 0.7));
    if (std::min(cut, side - cut) < kMinSide_m) break;
    if (upright) {
      first.width = cut;
      second.x += cut;
      second.width -= cut;
    } else {
      first.height = cut;
      second.y += cut;
      second.height -= cut;
    }
    *largest = first;
    boxes.push_back(second);
  }
  return boxes;
}

// Taking corners away gives the stepped outlines of real flats.
void drop_corners(Random& random, const Box& whole, std::vector<Box>& boxes) {
  const auto at_corner = [&](const Box& box) {
    return (box.x == whole.x || box.br().x > whole.br().x - 1e-6) &&
           (box.y == whole.y || box.br().y > whole.br().y - 1e-6);
  };
  for (int drops = static_cast<int>(random.below(3)); drops > 0 && boxes.size() > 4; --drops) {
    for (size_t i = 0; i < boxes.size(); ++i) {
      if (at_corner(boxes[i]) && boxes[i].area() < whole.area() * 0.15) {
        boxes.erase(boxes.begin() + static_cast<std::ptrdiff_t>(i));
        break;
      }
    }
  }
}

std::vector<Room> name_rooms(Random& random, std::vector<Box> boxes) {
  std::sort(boxes.begin(), boxes.end(),
            [](const Box& a, const Box& b) { return a.area() > b.area(); });
  std::vector<Room> rooms;
  for (size_t i = 0; i < boxes.size(); ++i) {
    const Box& box = boxes[i];
    const double slimness = std::max(box.width, box.height) / std::min(box.width, box.height);
    RoomKind kind = RoomKind::bedroom;
    if (i == 0) {
      kind = RoomKind::living;
    } else if (i + 1 == boxes.size()) {
      kind = RoomKind::bath;
    } else if (i + 2 == boxes.size() && i > 1) {
      kind = RoomKind::kitchen;
    } else if (slimness > 2.4) {
      kind = RoomKind::hall;
    } else if (box.area() < 5) {
      kind = pick(random, {RoomKind::bath, RoomKind::store, RoomKind::kitchen});
    }
    rooms.push_back({box, kind});
  }
  return rooms;
}

void add_balconies(Random& random, std::vector<Room>& rooms) {
  const size_t indoors = rooms.size();
  for (int wanted = static_cast<int>(random.below(3)); wanted > 0; --wanted) {
    const Box host = rooms[static_cast<size_t>(random.below(static_cast<int64_t>(indoors)))].box;
    const double depth = to_decimetre(random.uniform(0.9, 1.6));
    const Box box =
        random.chance(0.5)
            ? Box(host.x, random.chance(0.5) ? host.br().y : host.y - depth, host.width, depth)
            : Box(random.chance(0.5) ? host.br().x : host.x - depth, host.y, depth, host.height);
    const bool free = std::none_of(rooms.begin(), rooms.end(), [&](const Room& room) {
      return (room.box & box).area() > 1e-6;
    });
    if (free) rooms.push_back({box, RoomKind::balcony});
  }
}

struct Span {
  double from, to;
};

// One side of a room as a line: where it lies, what stretch, which way is out.
struct Side {
  bool upright;
  double place;
  Span span;
  double out;

  Point at(double along) const { return upright ? Point(place, along) : Point(along, place); }
  Point outward() const { return upright ? Point(out, 0) : Point(0, out); }
};

std::vector<Side> sides_of(const Box& box) {
  return {{false, box.y, {box.x, box.br().x}, -1},
          {false, box.br().y, {box.x, box.br().x}, 1},
          {true, box.x, {box.y, box.br().y}, -1},
          {true, box.br().x, {box.y, box.br().y}, 1}};
}

class WallBuilder {
 public:
  WallBuilder(Random& random, FloorLayout& layout) : random_(random), layout_(layout) {}

  void build() {
    for (size_t i = 0; i < layout_.rooms.size(); ++i) {
      for (const Side& side : sides_of(layout_.rooms[i].box)) build_side(i, side);
    }
  }

 private:
  void build_side(size_t index, const Side& side) {
    const RoomKind kind = layout_.rooms[index].kind;
    std::vector<Span> open = {side.span};
    for (size_t j = 0; j < layout_.rooms.size(); ++j) {
      if (j == index) continue;
      const std::optional<Span> shared = shared_span(side, layout_.rooms[j].box);
      if (!shared) continue;
      cut(open, *shared);
      if (j > index) add_inner(side, *shared, kind, layout_.rooms[j].kind);
    }
    for (const Span& span : open) add_outer(side, span, kind);
  }

  static std::optional<Span> shared_span(const Side& side, const Box& other) {
    for (const Side& facing : sides_of(other)) {
      if (facing.upright != side.upright || facing.out == side.out) continue;
      if (std::abs(facing.place - side.place) > 1e-6) continue;
      const Span span = {std::max(side.span.from, facing.span.from),
                         std::min(side.span.to, facing.span.to)};
      if (span.to - span.from > 0.05) return span;
    }
    return std::nullopt;
  }

  static void cut(std::vector<Span>& spans, const Span& hole) {
    std::vector<Span> left;
    for (const Span& span : spans) {
      if (hole.to <= span.from || hole.from >= span.to) {
        left.push_back(span);
        continue;
      }
      if (hole.from > span.from + 0.05) left.push_back({span.from, hole.from});
      if (hole.to < span.to - 0.05) left.push_back({hole.to, span.to});
    }
    spans = left;
  }

  void add_opening(const Side& side, const Span& span, double width, OpeningKind kind) {
    const double length = span.to - span.from;
    const double margin = 0.2;
    if (width > length - 2 * margin) return;
    const double start = span.from + random_.uniform(margin, length - margin - width);
    const Point into = side.outward() * (random_.chance(0.5) ? 1.0 : -1.0);
    layout_.openings.push_back({side.at(start), side.at(start + width), into, kind});
  }

  void add_inner(const Side& side, const Span& span, RoomKind a, RoomKind b) {
    const bool to_balcony = a == RoomKind::balcony || b == RoomKind::balcony;
    layout_.walls.push_back({side.at(span.from), side.at(span.to), to_balcony});
    const double length = span.to - span.from;
    if (to_balcony) {
      add_opening(side, span, std::min(1.8, length * 0.6), OpeningKind::window);
    } else if (random_.chance(0.5)) {
      add_opening(side, span, 0.85, OpeningKind::door);
    } else if (random_.chance(0.15)) {
      add_opening(side, span, length * 0.6, OpeningKind::passage);
    }
  }

  void add_outer(const Side& side, const Span& span, RoomKind kind) {
    layout_.walls.push_back({side.at(span.from), side.at(span.to), kind != RoomKind::balcony});
    if (kind == RoomKind::balcony) return;
    if (!has_entrance_ && random_.chance(0.2)) {
      add_opening(side, span, 1.0, OpeningKind::door);
      has_entrance_ = true;
    } else if (random_.chance(0.7)) {
      add_opening(side, span, (span.to - span.from) * random_.uniform(0.3, 0.7),
                  OpeningKind::window);
    }
  }

  Random& random_;
  FloorLayout& layout_;
  bool has_entrance_ = false;
};

}  // namespace

FloorLayout plan_layout(Random& random, int room_count) {
  const double area = room_count * random.uniform(9, 15) + 10;
  const double aspect = random.uniform(0.65, 1.7);
  const Box whole(0, 0, to_decimetre(std::sqrt(area * aspect)),
                  to_decimetre(std::sqrt(area / aspect)));
  std::vector<Box> boxes = split_into_boxes(random, whole, room_count);
  drop_corners(random, whole, boxes);

  FloorLayout layout;
  layout.rooms = name_rooms(random, boxes);
  add_balconies(random, layout.rooms);
  WallBuilder(random, layout).build();
  layout.bounds = layout.rooms.front().box;
  for (const Room& room : layout.rooms) layout.bounds |= room.box;
  return layout;
}

FloorLayout mirrored(FloorLayout layout) {
  const double sum = layout.bounds.x * 2 + layout.bounds.width;
  for (Room& room : layout.rooms) room.box.x = sum - room.box.br().x;
  const auto flip = [&](Point& point) { point.x = sum - point.x; };
  for (Wall& wall : layout.walls) flip(wall.from), flip(wall.to);
  for (Opening& opening : layout.openings) {
    flip(opening.from), flip(opening.to);
    opening.into.x = -opening.into.x;
  }
  return layout;
}

}  // namespace fpcls::sample
