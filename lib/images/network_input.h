#pragma once

#include <string_view>
#include <variant>

#include "exec/pixels.h"
#include "graph/preprocessing.h"
#include "graph/tensor.h"
#include "images/decode.h"

/// An encoded picture as what a network reads.
namespace fpcls {

/// The picture in `bytes` at network size and normalised by `table`, which is `preprocessing`'s:
/// f32 {1, 3, H, W}.
std::variant<Tensor, DecodeFailure> network_input(std::string_view bytes,
                                                  const Preprocessing& preprocessing,
                                                  const PixelTable& table);

}  // namespace fpcls
