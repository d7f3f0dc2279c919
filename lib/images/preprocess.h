#pragma once

#include <cstdint>

#include "graph/preprocessing.h"
#include "images/decode.h"

/// A decoded picture to a network's size.
namespace fpcls {

/// Writes `preprocessing.height` x `width` x 3 bytes, R G B, to `pixels`. Equals torchvision's
/// Resize and CenterCrop on a Pillow image (antialiased bilinear; Pillow's two passes of
/// fixed-point weights) within 1 of 255.
void preprocess(const Image& image, const Preprocessing& preprocessing, uint8_t* pixels);

}  // namespace fpcls
