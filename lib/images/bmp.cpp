#include <algorithm>
#include <array>
#include <cstring>

#include "images/decoders.h"

/// BMP has no library of its own in Debian, and is simple: rows of pixels behind a header.
namespace fpcls {
namespace {

constexpr size_t kFileHeaderBytes = 14;
constexpr uint32_t kOldHeaderBytes = 12;  ///< of OS/2 1.x: 16-bit sizes, palettes of 3 bytes

enum Compression : uint32_t { kNone = 0, kBitFields = 3, kAlphaBitFields = 6 };

/// Where a channel lies in a pixel.
struct Channel {
  uint32_t mask = 0;
  int shift = 0;
  uint32_t max = 0;

  explicit Channel(uint32_t bits = 0) : mask(bits) {
    while (mask != 0 && (mask >> shift & 1) == 0) ++shift;
    max = mask >> shift;
  }
  int value(uint32_t pixel) const {
    if (max == 0) return 0;
    return static_cast<int>((uint64_t{(pixel & mask) >> shift} * 255 + max / 2) / max);
  }
};

struct Bmp {
  std::string_view bytes;
  int64_t width = 0;
  int64_t height = 0;
  bool top_down = false;
  int bits = 0;
  uint32_t compression = kNone;
  size_t pixels_at = 0;
  std::array<Channel, 4> channels;  ///< R, G, B, A of 16 and 32 bits
  std::array<std::array<uint8_t, 3>, 256> palette{};
  size_t colours = 0;

  /// Little-endian number; the caller has checked that it is there.
  uint32_t number(size_t offset, size_t count) const {
    uint32_t value = 0;
    for (size_t i = count; i-- > 0;) {
      value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
    }
    return value;
  }
  int64_t row_bytes() const { return (width * bits + 31) / 32 * 4; }
};

void read_channels(Bmp& bmp, uint32_t header_bytes) {
  if (bmp.compression == kNone) {
    const bool small = bmp.bits == 16;
    bmp.channels = {Channel(small ? 0x7c00 : 0xff0000), Channel(small ? 0x03e0 : 0xff00),
                    Channel(small ? 0x001f : 0xff), Channel()};
    return;
  }
  const size_t masks = kFileHeaderBytes + 40;
  const bool alpha = header_bytes >= 56 || bmp.compression == kAlphaBitFields;
  for (size_t i = 0; i < 4; ++i) {
    const bool there = (i < 3 || alpha) && masks + 4 * i + 4 <= bmp.bytes.size();
    bmp.channels[i] = Channel(there ? bmp.number(masks + 4 * i, 4) : 0);
  }
}

void read_palette(Bmp& bmp, uint32_t header_bytes) {
  const size_t entry = header_bytes == kOldHeaderBytes ? 3 : 4;
  size_t at = kFileHeaderBytes + header_bytes;
  size_t count = size_t{1} << bmp.bits;
  if (header_bytes >= 40) {
    const uint32_t used = bmp.number(kFileHeaderBytes + 32, 4);
    if (used != 0) count = std::min<size_t>(count, used);
  }
  const size_t end = std::min(bmp.pixels_at, bmp.bytes.size());
  for (; bmp.colours < count && at + entry <= end; ++bmp.colours, at += entry) {
    for (size_t channel = 0; channel < 3; ++channel) {
      bmp.palette[bmp.colours][channel] = static_cast<uint8_t>(bmp.bytes[at + 2 - channel]);
    }
  }
}

/// Fills `bmp` from the header; a failure's reason, or nothing.
std::string_view read_header(Bmp& bmp, ReasonCode& code) {
  code = ReasonCode::truncated;
  if (bmp.bytes.size() < kFileHeaderBytes + kOldHeaderBytes) return "BMP ends within its header";
  const uint32_t header_bytes = bmp.number(kFileHeaderBytes, 4);
  if (bmp.bytes.size() - kFileHeaderBytes < header_bytes) return "BMP ends within its header";
  bmp.pixels_at = bmp.number(10, 4);
  code = ReasonCode::corrupt;
  if (header_bytes == kOldHeaderBytes) {
    bmp.width = bmp.number(18, 2);
    bmp.height = bmp.number(20, 2);
    bmp.bits = static_cast<int>(bmp.number(24, 2));
  } else if (header_bytes >= 16) {
    bmp.width = static_cast<int32_t>(bmp.number(18, 4));
    bmp.height = static_cast<int32_t>(bmp.number(22, 4));
    bmp.top_down = bmp.height < 0;
    bmp.height = std::abs(bmp.height);
    bmp.bits = static_cast<int>(bmp.number(28, 2));
    if (header_bytes >= 20) bmp.compression = bmp.number(30, 4);
  } else {
    return "BMP header is of no known version";
  }
  constexpr std::array<int, 6> kBits = {1, 4, 8, 16, 24, 32};
  if (std::find(kBits.begin(), kBits.end(), bmp.bits) == kBits.end()) {
    return "BMP header says an impossible number of bits a pixel";
  }
  code = ReasonCode::unsupported;
  const bool masks = bmp.compression == kBitFields || bmp.compression == kAlphaBitFields;
  if (bmp.compression != kNone && !(masks && (bmp.bits == 16 || bmp.bits == 32))) {
    return "a compressed BMP";
  }
  if (bmp.bits <= 8) read_palette(bmp, header_bytes);
  if (bmp.bits == 16 || bmp.bits == 32) read_channels(bmp, header_bytes);
  return {};
}

bool paint_palette(const Bmp& bmp, const uint8_t* row, uint8_t* target) {
  const int per_byte = 8 / bmp.bits;
  const int mask = (1 << bmp.bits) - 1;
  for (int64_t x = 0; x < bmp.width; ++x, target += 3) {
    const int shift = static_cast<int>(per_byte - 1 - x % per_byte) * bmp.bits;
    const auto index = static_cast<size_t>(row[x / per_byte] >> shift & mask);
    if (index >= bmp.colours) return false;
    std::copy_n(bmp.palette[index].begin(), 3, target);
  }
  return true;
}

void paint_channels(const Bmp& bmp, const uint8_t* row, bool use_alpha, uint8_t* target) {
  const int step = bmp.bits / 8;
  for (int64_t x = 0; x < bmp.width; ++x, row += step, target += 3) {
    uint32_t pixel = 0;
    for (int i = step; i-- > 0;) pixel = pixel << 8 | row[i];
    const int alpha = use_alpha ? bmp.channels[3].value(pixel) : 255;
    for (size_t c = 0; c < 3; ++c) target[c] = over_white(bmp.channels[c].value(pixel), alpha);
  }
}

bool paint(const Bmp& bmp, const uint8_t* row, bool use_alpha, uint8_t* target) {
  if (bmp.bits <= 8) return paint_palette(bmp, row, target);
  if (bmp.bits != 24) {
    paint_channels(bmp, row, use_alpha, target);
    return true;
  }
  for (int64_t x = 0; x < bmp.width; ++x, row += 3, target += 3) {
    target[0] = row[2];
    target[1] = row[1];
    target[2] = row[0];
  }
  return true;
}

/// Many programs leave the opacity at 0 everywhere and mean that there is none.
bool has_opacity(const Bmp& bmp, const uint8_t* pixels) {
  if (bmp.bits != 32 || bmp.channels[3].max == 0) return false;
  const int64_t count = bmp.width * bmp.height;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t pixel = 0;
    for (int byte = 4; byte-- > 0;) pixel = pixel << 8 | pixels[4 * i + byte];
    if ((pixel & bmp.channels[3].mask) != 0) return true;
  }
  return false;
}

}  // namespace

DecodeResult decode_bmp(std::string_view bytes, const DecodeLimits& limits) {
  Bmp bmp;
  bmp.bytes = bytes;
  ReasonCode code = ReasonCode::corrupt;
  if (const std::string_view reason = read_header(bmp, code); !reason.empty()) {
    return decode_failure(code, "{}", reason);
  }
  if (SizeCheck size = check_size("BMP", bmp.width, bmp.height, limits); !size.ok) {
    return size.failure;
  }
  const int64_t row_bytes = bmp.row_bytes();
  const int64_t there = static_cast<int64_t>(bytes.size() - std::min(bytes.size(), bmp.pixels_at));
  if (there < row_bytes * bmp.height) {
    return decode_failure(ReasonCode::truncated, "BMP ends after {} of {} rows", there / row_bytes,
                          bmp.height);
  }
  Decoded decoded;
  Image& image = decoded.image;
  image.width = static_cast<int>(bmp.width);
  image.height = static_cast<int>(bmp.height);
  image.pixels.resize(static_cast<size_t>(3 * bmp.width * bmp.height));
  const auto* pixels = reinterpret_cast<const uint8_t*>(bytes.data()) + bmp.pixels_at;
  const bool use_alpha = has_opacity(bmp, pixels);
  for (int64_t y = 0; y < bmp.height; ++y) {
    const int64_t from = bmp.top_down ? y : bmp.height - 1 - y;
    if (!paint(bmp, pixels + from * row_bytes, use_alpha, &image.pixels[3 * y * bmp.width])) {
      return decode_failure(ReasonCode::corrupt, "BMP uses a colour that isn't in its table");
    }
  }
  return decoded;
}

}  // namespace fpcls
