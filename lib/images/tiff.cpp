#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "images/decoders.h"

namespace fpcls {
namespace {

/// The library makes no allocation above this for what a header asks.
constexpr tmsize_t kMaxAllocationBytes = 1'500'000'000;
/// Pages are read in bands of about so many pixels, so that a large one isn't held twice.
constexpr int64_t kBandPixels = 4'000'000;

struct Source {
  std::string_view bytes;
  size_t position = 0;
  bool ended = false;  ///< read beyond the end
  int warnings = 0;
  std::string error;  ///< the first one
};

tmsize_t read_bytes(thandle_t handle, void* target, tmsize_t count) {
  Source& source = *static_cast<Source*>(handle);
  const size_t left = source.bytes.size() - std::min(source.position, source.bytes.size());
  const size_t wanted = static_cast<size_t>(std::max<tmsize_t>(count, 0));
  const size_t taken = std::min(left, wanted);
  source.ended = source.ended || taken < wanted;
  if (taken > 0) std::memcpy(target, source.bytes.data() + source.position, taken);
  source.position += taken;
  return static_cast<tmsize_t>(taken);
}

tmsize_t write_nothing(thandle_t, void*, tmsize_t) { return 0; }

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  Source& source = *static_cast<Source*>(handle);
  const toff_t base = whence == SEEK_CUR   ? source.position
                      : whence == SEEK_END ? source.bytes.size()
                                           : 0;
  source.position = static_cast<size_t>(base + offset);
  return source.position;
}

int close_nothing(thandle_t) { return 0; }
toff_t size_of(thandle_t handle) { return static_cast<Source*>(handle)->bytes.size(); }

[[gnu::format(printf, 4, 0)]] int on_error(TIFF*, void* data, const char*, const char* format,
                                           va_list arguments) {
  Source& source = *static_cast<Source*>(data);
  if (source.error.empty()) {
    std::array<char, 300> text{};
    std::vsnprintf(text.data(), text.size(), format, arguments);
    source.error = text.data();
  }
  return 1;
}

int on_warning(TIFF*, void* data, const char*, const char*, va_list) {
  ++static_cast<Source*>(data)->warnings;
  return 1;
}

struct CloseTiff {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffFile = std::unique_ptr<TIFF, CloseTiff>;

TiffFile open(Source& source) {
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, kMaxAllocationBytes);
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, &source);
  // "m": not mapped, so that reads beyond the end are seen.
  TiffFile tiff(TIFFClientOpenExt("TIFF", "rm", &source, read_bytes, write_nothing, seek,
                                  close_nothing, size_of, nullptr, nullptr, options));
  TIFFOpenOptionsFree(options);
  return tiff;
}

DecodeFailure failure_of(const Source& source) {
  if (source.ended) return {ReasonCode::truncated, "TIFF ends early"};
  return decode_failure(ReasonCode::corrupt, "TIFF: {}",
                        source.error.empty() ? "bad data" : source.error);
}

struct RgbaReader {
  TIFFRGBAImage image{};
  bool open = false;
  ~RgbaReader() {
    if (open) TIFFRGBAImageEnd(&image);
  }
};

/// Rows in a band: whole strips or tiles, because a part of one costs as much as all of it.
int64_t band_rows(TIFF* tiff, int64_t width, int64_t height) {
  uint32_t unit = 0;
  if (TIFFIsTiled(tiff) != 0) {
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &unit);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &unit);
  }
  const int64_t rows = std::clamp<int64_t>(unit, 1, height);
  return std::min(height, rows * std::max<int64_t>(1, kBandPixels / (width * rows)));
}

/// The library's rows are 32-bit pixels whose colours are already multiplied by their opacity.
void flatten(const std::vector<uint32_t>& raster, int64_t pixels, uint8_t* rgb) {
  for (int64_t i = 0; i < pixels; ++i, rgb += 3) {
    const uint32_t pixel = raster[static_cast<size_t>(i)];
    const uint32_t white = 255 - TIFFGetA(pixel);
    rgb[0] = static_cast<uint8_t>(std::min(255u, TIFFGetR(pixel) + white));
    rgb[1] = static_cast<uint8_t>(std::min(255u, TIFFGetG(pixel) + white));
    rgb[2] = static_cast<uint8_t>(std::min(255u, TIFFGetB(pixel) + white));
  }
}

bool read_bands(TIFF* tiff, TIFFRGBAImage& reader, Image& image) {
  const int64_t width = image.width;
  const int64_t rows = band_rows(tiff, width, image.height);
  std::vector<uint32_t> raster(static_cast<size_t>(width * rows));
  image.pixels.reserve(static_cast<size_t>(3 * width * image.height));
  for (int64_t y = 0; y < image.height; y += rows) {
    const int64_t count = std::min(rows, image.height - y);
    reader.row_offset = static_cast<int>(y);
    const int ok = TIFFRGBAImageGet(&reader, raster.data(), static_cast<uint32_t>(width),
                                    static_cast<uint32_t>(count));
    if (ok == 0) return false;
    const size_t done = image.pixels.size();
    image.pixels.resize(done + static_cast<size_t>(3 * width * count));
    flatten(raster, width * count, &image.pixels[done]);
  }
  return true;
}

}  // namespace

DecodeResult decode_tiff(std::string_view bytes, const DecodeLimits& limits) {
  Source source;
  source.bytes = bytes;
  const TiffFile tiff = open(source);
  if (tiff == nullptr) return failure_of(source);
  uint32_t width = 0, height = 0;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  if (SizeCheck size = check_size("TIFF", width, height, limits); !size.ok) return size.failure;

  std::array<char, 1024> reason{};
  if (TIFFRGBAImageOK(tiff.get(), reason.data()) == 0) {
    if (source.ended) return failure_of(source);
    return decode_failure(ReasonCode::unsupported, "TIFF: {}", reason.data());
  }
  RgbaReader reader;
  reader.open = TIFFRGBAImageBegin(&reader.image, tiff.get(), 1, reason.data()) != 0;
  if (!reader.open) return failure_of(source);
  Decoded decoded;
  decoded.orientation = reader.image.orientation;
  // As it lies in the file: turning is the caller's.
  reader.image.orientation = ORIENTATION_TOPLEFT;
  reader.image.req_orientation = ORIENTATION_TOPLEFT;
  decoded.image.width = static_cast<int>(width);
  decoded.image.height = static_cast<int>(height);
  // An error may be found in a strip that the library then fills with what it likes.
  const bool read = read_bands(tiff.get(), reader.image, decoded.image);
  if (!read || source.ended || !source.error.empty()) return failure_of(source);
  decoded.image.warnings = source.warnings;
  return decoded;
}

}  // namespace fpcls
