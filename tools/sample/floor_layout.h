#pragma once

#include <vector>

#include "canvas.h"

/// An invented flat, in metres: rooms that tile an outline, the walls between them, doors and
/// windows. It knows nothing of how it is drawn, so that all classes draw the same kind of flats.
namespace fpcls::sample {

enum class RoomKind { living, bedroom, kitchen, bath, hall, store, balcony };
constexpr int kRoomKinds = 7;

struct Room {
  Box box;
  RoomKind kind;
};

struct Wall {
  Point from, to;
  bool outer;
};

enum class OpeningKind { door, window, passage };

struct Opening {
  Point from, to;  ///< on the middle line of its wall
  Point into;      ///< unit vector to the side that a door swings to
  OpeningKind kind;
};

struct FloorLayout {
  std::vector<Room> rooms;
  std::vector<Wall> walls;
  std::vector<Opening> openings;
  Box bounds;
};

/// A flat with about `room_count` rooms (at least 1).
FloorLayout plan_layout(Random& random, int room_count);

/// `layout` seen in a mirror, its bounds kept.
FloorLayout mirrored(FloorLayout layout);

}  // namespace fpcls::sample
