#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "images/decode.h"

/// Small pictures in every format, made when a test needs them.
namespace fpcls {

/// Each pixel's red, green and blue are simple functions of its place, different in every corner.
Image gradient(int width, int height);

struct JpegOptions {
  int quality = 95;
  bool progressive = false;
  bool grey = false;
  bool cmyk = false;       ///< written inverted, as Adobe does
  bool subsampled = true;  ///< colour at half the resolution
  int orientation = 0;     ///< in an EXIF block, if above 0
  int scans = 0;           ///< if above 0, that many scans, most of them without content
};
std::string encode_jpeg(const Image& image, const JpegOptions& options = {});

enum class PngKind {
  rgb,
  rgba,
  grey,
  grey_alpha,
  palette,
  palette_alpha,
  grey_key,
  rgb16,
  grey16,
  grey1
};
/// `alpha` for the kinds that have one: 255 on the left half, this on the right one.
std::string encode_png(const Image& image, PngKind kind = PngKind::rgb, bool interlaced = false,
                       int alpha = 255, int orientation = 0);

std::string encode_webp(const Image& image, int alpha = 255);
std::string encode_gif(const Image& image, bool interlaced = false, int transparent = -1);
std::string encode_bmp(const Image& image, int bits, bool top_down = false);
/// `compression` and `orientation` are libtiff's numbers.
std::string encode_tiff(const Image& image, int compression = 1, int orientation = 1, int bits = 8,
                        bool tiled = false);

/// An EXIF block (a TIFF file with nothing but an orientation), in either byte order.
std::string exif_block(int orientation, bool little_endian = true);

}  // namespace fpcls
