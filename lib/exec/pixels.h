#pragma once

#include <array>
#include <cstdint>

#include "graph/preprocessing.h"

namespace fpcls {

/// What each of a channel's 256 values becomes: (value / 255 - mean) / std, in f32 and in this
/// order, as torchvision computes it.
using PixelTable = std::array<std::array<float, 256>, 3>;

PixelTable pixel_table(const Preprocessing& preprocessing);

/// Maps `pixels` RGB pixels through the table, order kept.
void enter_pixels(const PixelTable& table, const uint8_t* bytes, int64_t pixels, float* result);

}  // namespace fpcls
