#include "cascade/picture_source.h"

#include "images/open_picture.h"
#include "images/preprocess.h"

namespace fpcls {
namespace {

class PictureFiles : public PictureSource {
 public:
  PictureFiles(const ImageList& list, const DecodeLimits& limits) : list_(list), limits_(limits) {}

  ImageEntry entry(int64_t row) const override { return list_.entry(row); }
  std::variant<std::string, DecodeFailure> read(const ImageEntry& entry) const override {
    return read_picture_file(entry.file, limits_);
  }
  std::variant<Image, DecodeFailure> decode(std::string_view bytes,
                                            const Preprocessing& preprocessing) const override {
    return decode_image(bytes, preprocessing, limits_);
  }
  void resize(const Image& image, const Preprocessing& preprocessing,
              uint8_t* pixels) const override {
    preprocess(image, preprocessing, pixels);
  }

 private:
  const ImageList& list_;
  const DecodeLimits limits_;
};

}  // namespace

std::unique_ptr<PictureSource> picture_files(const ImageList& list, const DecodeLimits& limits) {
  return std::make_unique<PictureFiles>(list, limits);
}

}  // namespace fpcls
