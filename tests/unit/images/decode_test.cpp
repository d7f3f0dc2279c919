#include "images/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "unit/images/encode.h"

namespace fpcls {
namespace {

using Result = std::variant<Image, DecodeFailure>;

Result decode(const std::string& bytes, const DecodeLimits& limits = {}) {
  return decode_image(bytes, Preprocessing{}, limits);
}

Image expect_image(const std::string& bytes) {
  Result result = decode(bytes);
  if (const auto* failure = std::get_if<DecodeFailure>(&result)) {
    ADD_FAILURE() << enum_name(failure->code) << ": " << failure->reason;
    return {};
  }
  return std::get<Image>(result);
}

void expect_failure(const Result& result, ReasonCode code, const std::string& reason) {
  const auto* failure = std::get_if<DecodeFailure>(&result);
  ASSERT_NE(failure, nullptr) << "decoded";
  EXPECT_EQ(enum_name(failure->code), enum_name(code)) << failure->reason;
  EXPECT_NE(failure->reason.find(reason), std::string::npos) << failure->reason;
}

/// Largest difference of a value; huge when the sizes differ.
int difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height || a.pixels.size() != b.pixels.size()) return 1000;
  int worst = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    worst = std::max(worst, std::abs(a.pixels[i] - b.pixels[i]));
  }
  return worst;
}

template <class Change>
Image changed(Image image, Change change) {
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      change(x, y, &image.pixels[3 * static_cast<size_t>(y * image.width + x)]);
    }
  }
  return image;
}

Image grey_version(const Image& image) {
  return changed(image, [](int, int, uint8_t* p) { p[1] = p[2] = p[0]; });
}

Image palette_version(const Image& image) {
  return changed(image, [](int, int, uint8_t* p) {
    p[1] = static_cast<uint8_t>(255 - p[0]);
    p[2] = 128;
  });
}

uint8_t laid_over_white(int value, int alpha) {
  return static_cast<uint8_t>(std::lround((value * alpha + 255.0 * (255 - alpha)) / 255));
}

/// The right half at this opacity, over white.
Image half_transparent(const Image& image, int alpha) {
  return changed(image, [&](int x, int, uint8_t* p) {
    for (int c = 0; c < 3 && 2 * x >= image.width; ++c) p[c] = laid_over_white(p[c], alpha);
  });
}

const Image kPicture = gradient(37, 23);

TEST(DecodeJpeg, ReadsColourGreyAndProgressive) {
  EXPECT_LE(
      difference(expect_image(encode_jpeg(kPicture, {95, false, false, false, false})), kPicture),
      12);
  EXPECT_LE(
      difference(expect_image(encode_jpeg(kPicture, {95, true, false, false, false})), kPicture),
      12);
  EXPECT_LE(
      difference(expect_image(encode_jpeg(kPicture, {95, false, true})), grey_version(kPicture)),
      12);
}

TEST(DecodeJpeg, ReadsInvertedCmyk) {
  EXPECT_LE(
      difference(expect_image(encode_jpeg(kPicture, {98, false, false, true, false})), kPicture),
      14);
}

TEST(DecodeJpeg, TurnsThePictureUpright) {
  const Image upright = expect_image(encode_jpeg(kPicture, {95, false, false, false, false}));
  const int w = upright.width, h = upright.height;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    SCOPED_TRACE(orientation);
    const Image turned =
        expect_image(encode_jpeg(kPicture, {95, false, false, false, false, orientation}));
    ASSERT_EQ(turned.width, orientation >= 5 ? h : w);
    // Where the file's pixel (x, y) is seen, from the EXIF standard's "0th row / 0th column" table.
    const auto place = [&](int x, int y) -> std::pair<int, int> {
      switch (orientation) {
        case 2:
          return {w - 1 - x, y};
        case 3:
          return {w - 1 - x, h - 1 - y};
        case 4:
          return {x, h - 1 - y};
        case 5:
          return {y, x};
        case 6:
          return {h - 1 - y, x};
        case 7:
          return {h - 1 - y, w - 1 - x};
        case 8:
          return {y, w - 1 - x};
        default:
          return {x, y};
      }
    };
    for (int y = 0; y < h; ++y) {
      for (int x = 0; x < w; ++x) {
        const auto [seen_x, seen_y] = place(x, y);
        for (int c = 0; c < 3; ++c) {
          ASSERT_EQ(turned.pixels[3 * (seen_y * turned.width + seen_x) + c],
                    upright.pixels[3 * (y * w + x) + c]);
        }
      }
    }
  }
}

TEST(DecodeJpeg, AtReducedSizeIsNeverBelowWhatPreprocessingNeeds) {
  Preprocessing p;
  p.decode = Decode::fast;
  for (const auto& [width, height] : {std::pair{640, 480}, {481, 1000}, {100, 2000}, {30, 20}}) {
    const std::string bytes = encode_jpeg(gradient(width, height));
    for (const int size : {1, 16, 60, 61, 128, 500}) {
      for (const Fit fit : {Fit::stretch, Fit::center_crop}) {
        p.fit = fit;
        p.width = p.height = p.resize = size;
        const Image image = std::get<Image>(decode_image(bytes, p));
        EXPECT_GE(image.width, std::min(width, size));
        EXPECT_GE(image.height, std::min(height, size));
        const bool could_be_less =
            (image.width * 7 / 8 - 2) > size && (image.height * 7 / 8 - 2) > size;
        if (could_be_less) {
          EXPECT_LT(image.width, width);
        }
      }
    }
    p.decode = Decode::exact;
    EXPECT_EQ(std::get<Image>(decode_image(bytes, p)).width, width);
    p.decode = Decode::fast;
  }
}

TEST(DecodeJpeg, AtReducedSizeCountsTheSidesAsTheyAreSeen) {
  Preprocessing p;
  p.decode = Decode::fast;
  p.fit = Fit::stretch;
  p.width = 100;
  p.height = 400;
  JpegOptions turned;
  turned.orientation = 6;
  const Image image = std::get<Image>(decode_image(encode_jpeg(gradient(800, 200), turned), p));
  EXPECT_EQ(image.width, 100);
  EXPECT_EQ(image.height, 400);
}

TEST(DecodeJpeg, RefusesTheSmallestTruncation) {
  const std::string bytes = encode_jpeg(gradient(60, 40));
  for (size_t length = 3; length < bytes.size(); ++length) {
    expect_failure(decode(bytes.substr(0, length)), ReasonCode::truncated, "early");
  }
  // The end marker is there, the data before it aren't.
  const std::string stump = bytes.substr(0, bytes.size() - 200) + "\xff\xd9";
  expect_failure(decode(stump), ReasonCode::truncated, "before the picture does");
}

TEST(DecodeJpeg, CountsWarningsOfBadData) {
  std::string bytes = encode_jpeg(gradient(60, 40));
  bytes.insert(bytes.size() - 2, "rubbish");
  const Image image = expect_image(bytes);
  EXPECT_GT(image.warnings, 0);
  EXPECT_EQ(expect_image(encode_jpeg(gradient(60, 40))).warnings, 0);
}

TEST(DecodeJpeg, RefusesManyScans) {
  JpegOptions bomb;
  bomb.grey = true;
  bomb.scans = 100;
  EXPECT_EQ(expect_image(encode_jpeg(gradient(8, 8), bomb)).width, 8);
  bomb.scans = 101;
  expect_failure(decode(encode_jpeg(gradient(8, 8), bomb)), ReasonCode::unsupported, "scans");
}

TEST(DecodePng, ReadsEveryKindOfPixels) {
  for (const bool interlaced : {false, true}) {
    SCOPED_TRACE(interlaced);
    const auto read = [&](PngKind kind, int alpha = 255) {
      return expect_image(encode_png(kPicture, kind, interlaced, alpha));
    };
    EXPECT_EQ(difference(read(PngKind::rgb), kPicture), 0);
    EXPECT_EQ(difference(read(PngKind::rgb16), kPicture), 0);
    EXPECT_EQ(difference(read(PngKind::rgba, 255), kPicture), 0);
    EXPECT_EQ(difference(read(PngKind::rgba, 100), half_transparent(kPicture, 100)), 0);
    EXPECT_EQ(difference(read(PngKind::rgba, 0), half_transparent(kPicture, 0)), 0);
    EXPECT_EQ(difference(read(PngKind::grey), grey_version(kPicture)), 0);
    EXPECT_EQ(difference(read(PngKind::grey16), grey_version(kPicture)), 0);
    EXPECT_EQ(
        difference(read(PngKind::grey_alpha, 50), half_transparent(grey_version(kPicture), 50)), 0);
    EXPECT_EQ(difference(read(PngKind::palette), palette_version(kPicture)), 0);
    EXPECT_EQ(difference(read(PngKind::grey1), changed(kPicture,
                                                       [](int, int, uint8_t* p) {
                                                         p[0] = p[1] = p[2] = p[0] >= 128 ? 255 : 0;
                                                       })),
              0);
    EXPECT_EQ(difference(read(PngKind::grey_key), changed(kPicture,
                                                          [](int, int, uint8_t* p) {
                                                            p[0] = p[1] = p[2] =
                                                                p[0] == 0 ? 255 : p[0];
                                                          })),
              0);
    EXPECT_EQ(difference(read(PngKind::palette_alpha, 30),
                         changed(palette_version(kPicture),
                                 [](int, int, uint8_t* p) {
                                   const int alpha = p[0] >= 128 ? 30 : 255;
                                   for (int c = 0; c < 3; ++c) p[c] = laid_over_white(p[c], alpha);
                                 })),
              0);
  }
}

TEST(DecodePng, TurnsThePictureUpright) {
  const Image image = expect_image(encode_png(kPicture, PngKind::rgb, false, 255, 6));
  EXPECT_EQ(image.width, kPicture.height);
  EXPECT_EQ(image.height, kPicture.width);
}

TEST(DecodePng, RefusesAnyFlippedByteInTheData) {
  const std::string bytes = encode_png(kPicture);
  const size_t data = bytes.find("IDAT");
  for (size_t i = data; i < bytes.size() - 16; ++i) {
    std::string rotten = bytes;
    rotten[i] = static_cast<char>(rotten[i] ^ 0x10);
    EXPECT_TRUE(std::holds_alternative<DecodeFailure>(decode(rotten))) << i;
  }
  std::string rotten = bytes;
  rotten[data + 20] ^= 1;
  expect_failure(decode(rotten), ReasonCode::corrupt, "PNG");
}

TEST(DecodeWebp, ReadsOpaqueAndTransparent) {
  EXPECT_EQ(difference(expect_image(encode_webp(kPicture)), kPicture), 0);
  EXPECT_EQ(difference(expect_image(encode_webp(kPicture, 90)), half_transparent(kPicture, 90)), 0);
}

TEST(DecodeTiff, ReadsStripsTilesAndCompressions) {
  EXPECT_EQ(difference(expect_image(encode_tiff(kPicture)), kPicture), 0);
  EXPECT_EQ(difference(expect_image(encode_tiff(kPicture, 5)), kPicture), 0);      // LZW
  EXPECT_EQ(difference(expect_image(encode_tiff(kPicture, 8)), kPicture), 0);      // deflate
  EXPECT_EQ(difference(expect_image(encode_tiff(kPicture, 32773)), kPicture), 0);  // PackBits
  EXPECT_EQ(difference(expect_image(encode_tiff(kPicture, 1, 1, 16)), kPicture), 0);
  EXPECT_EQ(difference(expect_image(encode_tiff(kPicture, 5, 1, 8, true)), kPicture), 0);
  const Image high = gradient(50, 3000);  // several bands
  EXPECT_EQ(difference(expect_image(encode_tiff(high, 5)), high), 0);
}

TEST(DecodeTiff, TurnsThePictureUpright) {
  const Image turned = expect_image(encode_tiff(kPicture, 1, 3));
  Image expected = kPicture;
  for (int i = 0; i < 37 * 23; ++i) {
    std::copy_n(&kPicture.pixels[3 * (37 * 23 - 1 - i)], 3, &expected.pixels[3 * i]);
  }
  EXPECT_EQ(difference(turned, expected), 0);
  EXPECT_EQ(expect_image(encode_tiff(kPicture, 1, 6)).width, kPicture.height);
}

TEST(DecodeGif, ReadsTheFirstFrame) {
  EXPECT_EQ(difference(expect_image(encode_gif(kPicture)), palette_version(kPicture)), 0);
  EXPECT_EQ(difference(expect_image(encode_gif(kPicture, true)), palette_version(kPicture)), 0);
  EXPECT_EQ(
      difference(expect_image(encode_gif(kPicture, false, 0)), changed(palette_version(kPicture),
                                                                       [](int, int, uint8_t* p) {
                                                                         if (p[0] == 0)
                                                                           p[0] = p[1] = p[2] = 255;
                                                                       })),
      0);
}

TEST(DecodeBmp, ReadsEveryDepth) {
  for (const bool top_down : {false, true}) {
    EXPECT_EQ(difference(expect_image(encode_bmp(kPicture, 24, top_down)), kPicture), 0);
    EXPECT_EQ(difference(expect_image(encode_bmp(kPicture, 32, top_down)), kPicture), 0);
    EXPECT_LE(difference(expect_image(encode_bmp(kPicture, 16, top_down)), kPicture), 8);
    EXPECT_EQ(difference(expect_image(encode_bmp(kPicture, 8, top_down)), grey_version(kPicture)),
              0);
    EXPECT_LE(difference(expect_image(encode_bmp(kPicture, 4, top_down)), grey_version(kPicture)),
              17);
    EXPECT_LE(difference(expect_image(encode_bmp(kPicture, 1, top_down)), grey_version(kPicture)),
              255);
  }
}

TEST(DecodeBmp, RefusesCompressionAndColoursOutsideOfItsTable) {
  std::string bytes = encode_bmp(kPicture, 8);
  std::string compressed = bytes;
  compressed[30] = 1;
  expect_failure(decode(compressed), ReasonCode::unsupported, "compressed");
  bytes[46] = 2;  // colours in the table
  expect_failure(decode(bytes), ReasonCode::corrupt, "table");
}

std::vector<std::pair<std::string, std::string>> one_of_each(const Image& image) {
  JpegOptions progressive;
  progressive.progressive = true;
  return {{"jpeg", encode_jpeg(image)},
          {"progressive", encode_jpeg(image, progressive)},
          {"png", encode_png(image, PngKind::rgba, false, 99)},
          {"interlaced", encode_png(image, PngKind::palette_alpha, true, 99)},
          {"webp", encode_webp(image, 99)},
          {"tiff", encode_tiff(image, 5)},
          {"tiled", encode_tiff(image, 8, 1, 8, true)},
          {"gif", encode_gif(image)},
          {"bmp", encode_bmp(image, 8)},
          {"bmp24", encode_bmp(image, 24)}};
}

TEST(Decode, OnePixelWorks) {
  for (const auto& [name, bytes] : one_of_each(gradient(1, 1))) {
    SCOPED_TRACE(name);
    EXPECT_EQ(expect_image(bytes).pixels.size(), 3U);
  }
}

TEST(Decode, RefusesEveryTruncation) {
  for (const auto& [name, bytes] : one_of_each(gradient(19, 11))) {
    // A GIF is whole without its trailer; libtiff doesn't miss the end of its last, empty, entry.
    const size_t whole = name == "gif" ? bytes.size() - 1 : bytes.size();
    for (size_t length = 0; length < whole; ++length) {
      EXPECT_TRUE(std::holds_alternative<DecodeFailure>(decode(bytes.substr(0, length))))
          << name << " cut to " << length << " of " << bytes.size();
    }
  }
}

TEST(Decode, SurvivesEveryChangedByte) {
  const DecodeLimits limits{1'000'000, 10'000'000};
  for (const auto& [name, bytes] : one_of_each(gradient(19, 11))) {
    for (size_t i = 0; i < std::min<size_t>(bytes.size(), 700); ++i) {
      for (const int change : {0x01, 0x80, 0xff}) {
        std::string other = bytes;
        other[i] = static_cast<char>(other[i] ^ change);
        const Result result = decode(other, limits);
        if (const auto* image = std::get_if<Image>(&result)) {
          ASSERT_EQ(image->pixels.size(), size_t{3} * image->width * image->height) << name << i;
        } else {
          ASSERT_FALSE(std::get<DecodeFailure>(result).reason.empty()) << name << i;
        }
      }
    }
  }
}

TEST(Decode, SurvivesRandomDamage) {
  const DecodeLimits limits{1'000'000, 10'000'000};
  const auto whole = one_of_each(gradient(40, 30));
  Random random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = whole[static_cast<size_t>(random.below(10))].second;
    for (int64_t changes = random.between(1, 12); changes > 0; --changes) {
      const auto at = static_cast<size_t>(random.below(static_cast<int64_t>(bytes.size())));
      const auto length = static_cast<size_t>(random.between(1, 8));
      if (random.chance(0.1)) bytes.insert(at, length, static_cast<char>(random.below(256)));
      if (random.chance(0.1)) bytes.erase(at, length);
      if (bytes.empty()) break;
      bytes[std::min(at, bytes.size() - 1)] = static_cast<char>(random.below(256));
    }
    const Result result = decode(bytes, limits);
    if (const auto* image = std::get_if<Image>(&result)) {
      ASSERT_EQ(image->pixels.size(), size_t{3} * image->width * image->height) << i;
    }
  }
}

void put(std::string& bytes, size_t at, const std::string& value) {
  bytes.replace(at, value.size(), value);
}

TEST(Decode, RefusesHugeHeadersBeforeItAllocates) {
  std::string png = encode_png(gradient(4, 4));
  put(png, 16, std::string("\0\0\x75\x30\0\0\x75\x30", 8));
  expect_failure(decode(png), ReasonCode::too_large, "30000 x 30000");
  std::string jpeg = encode_jpeg(gradient(4, 4));
  const size_t frame = jpeg.find("\xff\xc0");
  put(jpeg, frame + 5, "\x75\x30\x75\x30");
  expect_failure(decode(jpeg), ReasonCode::too_large, "30000 x 30000");
  std::string bmp = encode_bmp(gradient(4, 4), 24);
  put(bmp, 18, std::string("\x30\x75\0\0\x30\x75\0\0", 8));
  expect_failure(decode(bmp), ReasonCode::too_large, "30000 x 30000");
  std::string gif = encode_gif(gradient(4, 4));
  put(gif, 6, "\x30\x75\x30\x75");
  expect_failure(decode(gif), ReasonCode::too_large, "30000 x 30000");
  for (const auto& [name, bytes] : one_of_each(gradient(20, 20))) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(std::holds_alternative<Image>(decode(bytes, {400, 1'000'000})));
    expect_failure(decode(bytes, {399, 1'000'000}), ReasonCode::too_large, "20 x 20");
    expect_failure(decode(bytes, {400, 10}), ReasonCode::too_large, "limit");
  }
}

TEST(Decode, SaysWhatElseAFileIs) {
  expect_failure(decode(""), ReasonCode::empty, "empty");
  expect_failure(decode("hello, this is no picture\n"), ReasonCode::unknown_format, "text");
  expect_failure(decode("<!DOCTYPE html><html>404"), ReasonCode::unknown_format, "HTML");
  expect_failure(decode("%PDF-1.7"), ReasonCode::unknown_format, "PDF");
  expect_failure(decode(std::string("\0\0\0\x18"
                                    "ftypheic",
                                    12)),
                 ReasonCode::unknown_format, "HEIC");
  expect_failure(decode(std::string(1000, '\0')), ReasonCode::unknown_format, "zeros");
  expect_failure(decode("\x01\x02\x03"), ReasonCode::unknown_format, "first bytes");
  expect_failure(decode("BMW drives past a house in the rain"), ReasonCode::unknown_format, "text");
}

TEST(ReasonCode, HasANameForEveryValue) {
  EXPECT_EQ(enum_choices<ReasonCode>(),
            "unreadable, empty, unknown_format, truncated, corrupt, too_large, unsupported");
}

}  // namespace
}  // namespace fpcls
