#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "images/decode.h"

/// One function per format, each on its own library, for `decode_image` alone to call. All of them
/// take bytes whose first ones are the format's, check the header's size against the limits before
/// they allocate, and return the picture as it lies in the file with its EXIF orientation.
namespace fpcls {

struct Decoded {
  Image image;
  int orientation = 1;  ///< EXIF: 1 is upright; 5 to 8 swap width and height
};

using DecodeResult = std::variant<Decoded, DecodeFailure>;

DecodeResult decode_jpeg(std::string_view bytes, const Preprocessing& preprocessing,
                         const DecodeLimits& limits);
DecodeResult decode_png(std::string_view bytes, const DecodeLimits& limits);
DecodeResult decode_webp(std::string_view bytes, const DecodeLimits& limits);
DecodeResult decode_tiff(std::string_view bytes, const DecodeLimits& limits);
DecodeResult decode_gif(std::string_view bytes, const DecodeLimits& limits);
DecodeResult decode_bmp(std::string_view bytes, const DecodeLimits& limits);

template <class... Args>
DecodeFailure decode_failure(ReasonCode code, fmt::format_string<Args...> format, Args&&... args) {
  return {code, fmt::format(format, std::forward<Args>(args)...)};
}

/// `failure.code` is set when a header's size is nothing, or more than the limit.
struct SizeCheck {
  bool ok;
  DecodeFailure failure;
};
SizeCheck check_size(std::string_view format, int64_t width, int64_t height,
                     const DecodeLimits& limits);

/// Orientation (1 to 8) in an EXIF block, which is a small TIFF file; 1 when there is none or the
/// block makes no sense.
int exif_orientation(std::string_view tiff);

/// `value` with the given opacity over white, both 0 to 255.
inline uint8_t over_white(int value, int alpha) {
  return static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

/// Turns R G B A pixels into R G B over white.
void flatten_rgba(const uint8_t* rgba, int64_t pixels, uint8_t* rgb);

}  // namespace fpcls
