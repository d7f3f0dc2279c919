#include <cstdint>

#include "images/decoders.h"

namespace fpcls {
namespace {

constexpr uint16_t kOrientationTag = 0x0112;
constexpr uint16_t kShortType = 3;
constexpr size_t kEntryBytes = 12;

/// Reads numbers in the block's byte order; 0 outside of it.
class TiffNumbers {
 public:
  TiffNumbers(std::string_view bytes, bool little_endian)
      : bytes_(bytes), little_endian_(little_endian) {}

  uint32_t read(size_t offset, int count) const {
    if (offset > bytes_.size() || bytes_.size() - offset < static_cast<size_t>(count)) return 0;
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const size_t at = offset + static_cast<size_t>(little_endian_ ? count - 1 - i : i);
      value = value << 8 | static_cast<unsigned char>(bytes_[at]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool little_endian_;
};

}  // namespace

int exif_orientation(std::string_view tiff) {
  if (tiff.size() < 8) return 1;
  const bool little_endian = tiff.substr(0, 2) == "II";
  if (!little_endian && tiff.substr(0, 2) != "MM") return 1;
  const TiffNumbers numbers(tiff, little_endian);
  if (numbers.read(2, 2) != 42) return 1;
  const size_t directory = numbers.read(4, 4);
  const size_t entries = numbers.read(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + i * kEntryBytes;
    if (entry + kEntryBytes > tiff.size()) break;
    if (numbers.read(entry, 2) != kOrientationTag || numbers.read(entry + 2, 2) != kShortType) {
      continue;
    }
    const uint32_t value = numbers.read(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace fpcls
