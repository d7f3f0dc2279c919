#include "images/decoders.h"

namespace fpcls {
DecodeResult decode_bmp(std::string_view, const DecodeLimits&) {
  return decode_failure(ReasonCode::unsupported, "BMP");
}
DecodeResult decode_gif(std::string_view, const DecodeLimits&) {
  return decode_failure(ReasonCode::unsupported, "GIF");
}
DecodeResult decode_tiff(std::string_view, const DecodeLimits&) {
  return decode_failure(ReasonCode::unsupported, "TIFF");
}
DecodeResult decode_webp(std::string_view, const DecodeLimits&) {
  return decode_failure(ReasonCode::unsupported, "WebP");
}
}  // namespace fpcls
