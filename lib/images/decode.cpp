#include "images/decode.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <new>

#include "base/text.h"
#include "images/decoders.h"

namespace fpcls {
namespace {

bool starts_with(std::string_view bytes, std::string_view start) {
  return bytes.substr(0, start.size()) == start;
}

bool is_webp(std::string_view bytes) {
  return starts_with(bytes, "RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP";
}

bool is_tiff(std::string_view bytes) {
  using namespace std::string_view_literals;
  return starts_with(bytes, "II*\0"sv) || starts_with(bytes, "MM\0*"sv) ||
         starts_with(bytes, "II+\0"sv) || starts_with(bytes, "MM\0+"sv);
}

/// "BM", then 4 bytes that may be anything, 4 reserved, the offset of the pixels and the size of
/// one of the header versions: two letters alone are how a text may begin as well.
bool is_bmp(std::string_view bytes) {
  if (!starts_with(bytes, "BM")) return false;
  if (bytes.size() < 18) return true;  // too short for anything: let the reader say truncated
  constexpr std::array<unsigned char, 7> kHeaderSizes = {12, 16, 40, 52, 56, 64, 108};
  const auto size = static_cast<unsigned char>(bytes[14]);
  return bytes.substr(15, 3) == std::string_view("\0\0\0", 3) &&
         (size == 124 ||
          std::find(kHeaderSizes.begin(), kHeaderSizes.end(), size) != kHeaderSizes.end());
}

bool is_text(std::string_view bytes) {
  const std::string_view start = bytes.substr(0, 256);
  return std::all_of(start.begin(), start.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || byte == '\n' || byte == '\r' || byte == '\t';
  });
}

/// What people really have in place of a picture.
std::string_view guess_kind(std::string_view bytes) {
  if (starts_with(bytes, "%PDF")) return "a PDF";
  if (starts_with(bytes, "PK\3\4")) return "a zip file";
  if (starts_with(bytes, "8BPS")) return "a Photoshop file";
  if (starts_with(bytes, "AC10")) return "an AutoCAD drawing";
  if (bytes.size() >= 12 && bytes.substr(4, 4) == "ftyp") {
    const std::string_view brand = bytes.substr(8, 4);
    if (brand == "avif" || brand == "avis") return "AVIF";
    if (starts_with(brand, "he") || starts_with(brand, "mi") || starts_with(brand, "ms")) {
      return "HEIC";
    }
    return "a film";
  }
  if (std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; })) return "only zeros";
  if (!is_text(bytes)) return "";
  const std::string_view start = bytes.substr(0, 256);
  if (start.find("<svg") != start.npos) return "SVG";
  if (start.find("<html") != start.npos || start.find("<!DOCTYPE") != start.npos) return "HTML";
  return "text";
}

DecodeFailure unknown_format(std::string_view bytes) {
  const std::string_view kind = guess_kind(bytes);
  const std::string what = kind.empty() ? "" : fmt::format("; it seems to be {}", kind);
  return decode_failure(ReasonCode::unknown_format,
                        "not JPEG, PNG, BMP, WebP, TIFF or GIF by its first bytes{}", what);
}

DecodeResult decode_by_content(std::string_view bytes, const Preprocessing& preprocessing,
                               const DecodeLimits& limits) {
  if (bytes.empty()) return decode_failure(ReasonCode::empty, "the file is empty");
  if (static_cast<int64_t>(bytes.size()) > limits.max_file_bytes) {
    return decode_failure(ReasonCode::too_large, "the file has {}, the limit is {}",
                          format_bytes(static_cast<int64_t>(bytes.size())),
                          format_bytes(limits.max_file_bytes));
  }
  if (starts_with(bytes, "\xff\xd8")) return decode_jpeg(bytes, preprocessing, limits);
  if (starts_with(bytes, "\x89PNG")) return decode_png(bytes, limits);
  if (is_webp(bytes)) return decode_webp(bytes, limits);
  if (is_tiff(bytes)) return decode_tiff(bytes, limits);
  if (starts_with(bytes, "GIF87a") || starts_with(bytes, "GIF89a")) {
    return decode_gif(bytes, limits);
  }
  if (is_bmp(bytes)) return decode_bmp(bytes, limits);
  return unknown_format(bytes);
}

/// The picture as its `orientation` says that it should be looked at: with (r, c) = (row, column)
/// in the file, 2 mirrors columns, 3 both, 4 rows; 5 to 8 are the same after exchanging r and c.
Image turned_upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool swaps = orientation >= 5;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image upright;
  upright.warnings = image.warnings;
  upright.file_width = swaps ? image.file_height : image.file_width;
  upright.file_height = swaps ? image.file_width : image.file_height;
  upright.width = swaps ? image.height : image.width;
  upright.height = swaps ? image.width : image.height;
  upright.pixels.resize(image.pixels.size());
  const int64_t pixel = 3;
  const int64_t line = pixel * image.width;
  const int64_t step_column = from_right ? -pixel : pixel;
  const int64_t step_row = from_bottom ? -line : line;
  const int64_t start =
      (from_right ? line - pixel : 0) + (from_bottom ? line * (image.height - 1) : 0);
  uint8_t* to = upright.pixels.data();
  for (int64_t y = 0; y < upright.height; ++y) {
    const uint8_t* from = image.pixels.data() + start + y * (swaps ? step_column : step_row);
    for (int64_t x = 0; x < upright.width; ++x) {
      std::memcpy(to, from, 3);
      to += 3;
      from += swaps ? step_row : step_column;
    }
  }
  return upright;
}

}  // namespace

SizeCheck check_size(std::string_view format, int64_t width, int64_t height,
                     const DecodeLimits& limits) {
  if (width < 1 || height < 1 || width > INT32_MAX / 4 || height > INT32_MAX / 4) {
    return {false, decode_failure(ReasonCode::corrupt, "{} header says {} x {} pixels", format,
                                  width, height)};
  }
  if (width > limits.max_pixels / height) {
    return {false,
            decode_failure(ReasonCode::too_large, "{} header says {} x {} pixels, the limit is {}",
                           format, width, height, with_thousands(limits.max_pixels))};
  }
  return {true, {}};
}

void flatten_rgba(const uint8_t* rgba, int64_t pixels, uint8_t* rgb) {
  for (int64_t i = 0; i < pixels; ++i, rgba += 4, rgb += 3) {
    const int alpha = rgba[3];
    if (alpha == 255) {
      std::memcpy(rgb, rgba, 3);
      continue;
    }
    for (int channel = 0; channel < 3; ++channel) rgb[channel] = over_white(rgba[channel], alpha);
  }
}

std::variant<Image, DecodeFailure> decode_image(std::string_view bytes,
                                                const Preprocessing& preprocessing,
                                                const DecodeLimits& limits) {
  try {
    DecodeResult result = decode_by_content(bytes, preprocessing, limits);
    if (auto* failure = std::get_if<DecodeFailure>(&result)) return std::move(*failure);
    Decoded& decoded = std::get<Decoded>(result);
    if (decoded.image.file_width == 0) {
      decoded.image.file_width = decoded.image.width;
      decoded.image.file_height = decoded.image.height;
    }
    return turned_upright(std::move(decoded.image), decoded.orientation);
  } catch (const std::bad_alloc&) {
    return decode_failure(ReasonCode::too_large, "not enough memory to decode the picture");
  }
}

}  // namespace fpcls
