#pragma once

#include "graph/preprocessing.h"
#include "images/decode.h"

/// Preprocessing as its definition reads: each value of the resized picture is a sum over the whole
/// source picture, in double precision, with no rounding in between.
namespace fpcls {

/// height x width x 3 values of 0 to 255.
std::vector<double> preprocess_slowly(const Image& image, const Preprocessing& preprocessing);

}  // namespace fpcls
