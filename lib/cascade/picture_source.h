#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "graph/preprocessing.h"
#include "images/decode.h"
#include "images/image_list.h"

/// Where a cascade's pictures come from. Files in practice; what a test likes in a test.
namespace fpcls {

/// Called by all workers at once.
class PictureSource {
 public:
  virtual ~PictureSource() = default;
  virtual ImageEntry entry(int64_t row) const = 0;
  virtual std::variant<std::string, DecodeFailure> read(const ImageEntry& entry) const = 0;
  virtual std::variant<Image, DecodeFailure> decode(std::string_view bytes,
                                                    const Preprocessing& preprocessing) const = 0;
  /// Writes height x width x 3 bytes.
  virtual void resize(const Image& image, const Preprocessing& preprocessing,
                      uint8_t* pixels) const = 0;
};

/// The files of `list`, which must outlive the result.
std::unique_ptr<PictureSource> picture_files(const ImageList& list,
                                             const DecodeLimits& limits = {});

}  // namespace fpcls
