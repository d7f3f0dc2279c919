#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "images/decode.h"

/// Small pictures for reports.
namespace fpcls {

struct EncodedThumbnail {
  std::string webp;
  int width = 0;
  int height = 0;
};

/// The picture in `bytes`, no side longer than `longest_side` pixels and none enlarged, as WebP of
/// a few kilobytes; or why there is none. A picture of more than 50 megapixels isn't worth the
/// time.
std::variant<EncodedThumbnail, DecodeFailure> make_thumbnail(std::string_view bytes,
                                                             int longest_side);

}  // namespace fpcls
