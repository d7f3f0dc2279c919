#pragma once

#include <array>
#include <cstdint>

#include "graph/preprocessing.h"
#include "graph/quant_params.h"

namespace fpcls {

/// What each of a channel's 256 values becomes: (value / 255 - mean) / std, in f32 and in this
/// order, as torchvision computes it.
using PixelTable = std::array<std::array<float, 256>, 3>;

PixelTable pixel_table(const Preprocessing& preprocessing);

/// The table's numbers as integers; those below 0 in two's complement.
using IntegerTable = std::array<std::array<uint8_t, 256>, 3>;

IntegerTable quantized_table(const PixelTable& table, const QuantParams& params);

/// Maps `pixels` RGB pixels through the table, order kept.
void enter_pixels(const PixelTable& table, const uint8_t* bytes, int64_t pixels, float* result);
void enter_pixels(const IntegerTable& table, const uint8_t* bytes, int64_t pixels, uint8_t* result);

}  // namespace fpcls
