#include <webp/decode.h>

#include <algorithm>
#include <cstring>

#include "images/decoders.h"

namespace fpcls {
namespace {

uint32_t little_endian(std::string_view bytes, size_t offset) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  }
  return value;
}

/// The RIFF chunk `name` in what follows the file's first 12 bytes, or nothing.
std::string_view find_chunk(std::string_view bytes, std::string_view name) {
  size_t at = 12;
  while (bytes.size() >= 8 && at <= bytes.size() - 8) {
    const size_t size = little_endian(bytes, at + 4);
    const size_t left = bytes.size() - at - 8;
    if (bytes.substr(at, 4) == name) return bytes.substr(at + 8, std::min(size, left));
    if (size >= left) break;
    at += 8 + size + size % 2;
  }
  return {};
}

int read_orientation(std::string_view bytes) {
  std::string_view exif = find_chunk(bytes, "EXIF");
  if (exif.substr(0, 4) == "Exif") exif.remove_prefix(std::min<size_t>(6, exif.size()));
  return exif_orientation(exif);
}

DecodeFailure failure_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return {ReasonCode::too_large, "not enough memory to decode the picture"};
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return {ReasonCode::unsupported, "WebP of a kind that isn't decoded"};
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return {ReasonCode::truncated, "WebP ends early"};
    default:
      return {ReasonCode::corrupt, "WebP data are corrupt"};
  }
}

}  // namespace

DecodeResult decode_webp(std::string_view bytes, const DecodeLimits& limits) {
  const int64_t said = int64_t{8} + little_endian(bytes, 4);
  if (said > static_cast<int64_t>(bytes.size())) {
    return decode_failure(ReasonCode::truncated, "WebP ends after {} of {} bytes", bytes.size(),
                          said);
  }
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  WebPDecoderConfig config;
  WebPInitDecoderConfig(&config);
  VP8StatusCode status = WebPGetFeatures(data, bytes.size(), &config.input);
  if (status != VP8_STATUS_OK) return failure_of(status);
  const int width = config.input.width, height = config.input.height;
  if (SizeCheck size = check_size("WebP", width, height, limits); !size.ok) return size.failure;
  if (config.input.has_animation != 0) {
    return decode_failure(ReasonCode::unsupported, "an animated WebP");
  }
  Decoded decoded;
  decoded.orientation = read_orientation(bytes);
  decoded.image.width = width;
  decoded.image.height = height;
  const int64_t pixels = int64_t{width} * height;
  decoded.image.pixels.resize(static_cast<size_t>(3 * pixels));
  std::vector<uint8_t> rgba(config.input.has_alpha != 0 ? static_cast<size_t>(4 * pixels) : 0);
  std::vector<uint8_t>& target = rgba.empty() ? decoded.image.pixels : rgba;
  config.output.colorspace = rgba.empty() ? MODE_RGB : MODE_RGBA;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = target.data();
  config.output.u.RGBA.stride = width * (rgba.empty() ? 3 : 4);
  config.output.u.RGBA.size = target.size();
  status = WebPDecode(data, bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (status != VP8_STATUS_OK) return failure_of(status);
  if (!rgba.empty()) flatten_rgba(rgba.data(), pixels, decoded.image.pixels.data());
  return decoded;
}

}  // namespace fpcls
