#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/enum_names.h"
#include "graph/preprocessing.h"

/// Encoded bytes to 8-bit RGB.
namespace fpcls {

/// A decoded picture: u8, R G B, rows without gaps.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;
  int warnings = 0;  ///< complaints of the image library about a file that it read all the same
  /// Size of the picture in the file, upright: larger than this one where a JPEG was decoded at
  /// reduced size. 0 where the picture comes from no file.
  int file_width = 0;
  int file_height = 0;
};

/// Why a picture can't be used, in a word that scripts can rely on.
enum class ReasonCode {
  unreadable,      ///< the file is missing, forbidden, or no regular file
  empty,           ///< no bytes
  unknown_format,  ///< not JPEG, PNG, BMP, WebP, TIFF or GIF by its content
  truncated,       ///< ends too early
  corrupt,         ///< bytes that contradict the format
  too_large,       ///< more pixels or bytes than the limits allow
  unsupported,     ///< a valid file of a kind that isn't decoded
};

template <>
struct EnumNames<ReasonCode> {
  static constexpr std::pair<ReasonCode, std::string_view> entries[] = {
      {ReasonCode::unreadable, "unreadable"},
      {ReasonCode::empty, "empty"},
      {ReasonCode::unknown_format, "unknown_format"},
      {ReasonCode::truncated, "truncated"},
      {ReasonCode::corrupt, "corrupt"},
      {ReasonCode::too_large, "too_large"},
      {ReasonCode::unsupported, "unsupported"}};
};

struct DecodeFailure {
  ReasonCode code;
  std::string
      reason;  ///< a sentence without the path, such as "JPEG ends after 1,024 of 3,000 rows"
};

struct DecodeLimits {
  int64_t max_pixels = 300'000'000;  ///< of the header, checked before anything is allocated
  int64_t max_file_bytes = 512'000'000;
};

/// Decodes the picture in `bytes`, turned upright by its EXIF orientation; grey, palette, 16-bit
/// and CMYK become 8-bit RGB, alpha is laid over white; the first page of a TIFF, the first frame
/// of a GIF. With `Decode::fast` a JPEG may come at a reduced size (any eighth) that is not below
/// what `preprocessing` needs. Never throws for what is in the bytes.
std::variant<Image, DecodeFailure> decode_image(std::string_view bytes,
                                                const Preprocessing& preprocessing,
                                                const DecodeLimits& limits = {});

}  // namespace fpcls
