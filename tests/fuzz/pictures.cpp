#include "base/error.h"
#include "fuzz/target.h"
#include "images/decoders.h"
#include "unit/images/encode.h"

namespace fpcls::fuzz {
namespace {

using Decoder = DecodeResult (*)(std::string_view, const DecodeLimits&);

/// Small enough that a header of ordinary size doesn't take all the time.
constexpr DecodeLimits kLimits{250'000, 1 << 20};

void check(const DecodeResult& result) {
  if (const auto* decoded = std::get_if<Decoded>(&result)) {
    const Image& image = decoded->image;
    FPCLS_CHECK(int64_t{image.width} * image.height <= kLimits.max_pixels);
    FPCLS_CHECK(image.pixels.size() == size_t{3} * image.width * image.height);
  } else {
    FPCLS_CHECK(!std::get<DecodeFailure>(result).reason.empty());
  }
}

DecodeResult decode_jpeg_whole(std::string_view bytes, const DecodeLimits& limits) {
  return decode_jpeg(bytes, Preprocessing(), limits);
}

/// A format's reader alone, with bytes that `decode_image` would give it: those whose beginning
/// is `start`, where a dot stands for any byte.
Target target(const std::string& name, const std::string& start, Decoder decode,
              std::function<std::vector<std::string>()> seeds) {
  const auto run = [start, decode](std::string_view bytes) {
    if (bytes.size() < start.size() || bytes.size() > size_t{1} << 20) return;
    for (size_t i = 0; i < start.size(); ++i) {
      if (start[i] != '.' && bytes[i] != start[i]) return;
    }
    check(decode(bytes, kLimits));
  };
  return {name, run, std::move(seeds)};
}

std::vector<std::string> jpegs() {
  std::vector<std::string> seeds;
  for (const bool progressive : {false, true}) {
    JpegOptions options;
    options.progressive = progressive;
    options.orientation = 6;
    seeds.push_back(encode_jpeg(gradient(19, 11), options));
  }
  JpegOptions cmyk;
  cmyk.cmyk = true;
  seeds.push_back(encode_jpeg(gradient(9, 9), cmyk));
  JpegOptions grey;
  grey.grey = true;
  seeds.push_back(encode_jpeg(gradient(9, 9), grey));
  return seeds;
}

std::vector<std::string> pngs() {
  std::vector<std::string> seeds;
  for (const PngKind kind :
       {PngKind::rgb, PngKind::rgba, PngKind::grey_alpha, PngKind::palette_alpha, PngKind::grey_key,
        PngKind::rgb16, PngKind::grey1}) {
    seeds.push_back(encode_png(gradient(9, 7), kind, seeds.size() % 2 == 1, 99, 3));
  }
  return seeds;
}

std::vector<std::string> webps() {
  return {encode_webp(gradient(19, 11)), encode_webp(gradient(19, 11), 99)};
}

std::vector<std::string> gifs() {
  return {encode_gif(gradient(19, 11)), encode_gif(gradient(9, 9), true, 3)};
}

std::vector<std::string> tiffs() {
  const Image image = gradient(19, 11);
  std::vector<std::string> seeds;
  for (const int compression : {1, 5, 8, 32773}) {
    seeds.push_back(encode_tiff(image, compression, 5));
  }
  seeds.push_back(encode_tiff(image, 8, 1, 8, true));
  seeds.push_back(encode_tiff(image, 1, 1, 16));
  return seeds;
}

std::vector<std::string> bmps() {
  std::vector<std::string> seeds;
  for (const int bits : {1, 4, 8, 16, 24, 32}) seeds.push_back(encode_bmp(gradient(9, 5), bits));
  seeds.push_back(encode_bmp(gradient(9, 5), 24, true));
  return seeds;
}

/// What `decode_image` itself adds: the choice of the format, EXIF and turning upright.
void decode_any(std::string_view bytes) {
  Preprocessing fast;
  fast.decode = Decode::fast;
  fast.resize = 8;
  decode_image(bytes, fast, kLimits);
}

std::vector<std::string> any_pictures() {
  JpegOptions turned;
  turned.orientation = 8;
  return {encode_jpeg(gradient(33, 18), turned),
          encode_png(gradient(9, 7)),
          encode_bmp(gradient(5, 5), 8),
          exif_block(6),
          "<svg>",
          "%PDF-1.7"};
}

void read_exif(std::string_view bytes) {
  const int orientation = exif_orientation(bytes);
  FPCLS_CHECK(orientation >= 1 && orientation <= 8);
}

}  // namespace

std::vector<Target> picture_targets() {
  return {target("bmp", "BM", decode_bmp, bmps),
          target("gif", "GIF8", decode_gif, gifs),
          target("jpeg", "\xff\xd8", decode_jpeg_whole, jpegs),
          target("png", "\x89PNG", decode_png, pngs),
          target("tiff", "....", decode_tiff, tiffs),
          target("webp", "RIFF....WEBP", decode_webp, webps),
          {"exif", read_exif,
           [] {
             return std::vector{exif_block(6), exif_block(3, false)};
           }},
          {"picture", decode_any, any_pictures}};
}

}  // namespace fpcls::fuzz
