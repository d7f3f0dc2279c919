#include "images/near_copies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "encode.h"

namespace fpcls {
namespace {

/// A made-up floor plan: dark walls of 3 pixels on white, others for each seed.
Image plan(uint64_t seed, int width = 300, int height = 240) {
  Image image{width, height, std::vector<uint8_t>(static_cast<size_t>(width * height * 3), 255)};
  Random random(seed);
  const auto line = [&](int x0, int y0, int x1, int y1) {
    for (int y = y0; y <= y1; ++y) {
      for (int x = x0; x <= x1; ++x) {
        std::fill_n(image.pixels.begin() + (y * width + x) * 3, 3, uint8_t{20});
      }
    }
  };
  const auto up_to = [&](int n) { return static_cast<int>(random.uniform() * n); };
  line(5, 5, width - 6, 8);
  line(5, height - 9, width - 6, height - 6);
  line(5, 5, 8, height - 6);
  line(width - 9, 5, width - 6, height - 6);
  for (int i = 0; i < 7; ++i) {
    const int x = 10 + up_to(width - 90), y = 10 + up_to(height - 30);
    line(x, y, x + 20 + up_to(50), y + 3);
    const int x2 = 10 + up_to(width - 20), y2 = 10 + up_to(height - 90);
    line(x2, y2, x2 + 3, y2 + 20 + up_to(50));
  }
  return image;
}

Image cropped(const Image& image, int left, int top, int right, int bottom) {
  Image part{image.width - left - right, image.height - top - bottom, {}};
  for (int y = top; y < image.height - bottom; ++y) {
    const auto row = image.pixels.begin() + (y * image.width + left) * 3;
    part.pixels.insert(part.pixels.end(), row, row + part.width * 3);
  }
  return part;
}

Image halved(const Image& image) {
  Image half{image.width / 2, image.height / 2, {}};
  for (int y = 0; y < half.height; ++y) {
    for (int x = 0; x < half.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        int sum = 0;
        for (const int dy : {0, 1}) {
          for (const int dx : {0, 1}) {
            sum += image.pixels[static_cast<size_t>(((2 * y + dy) * image.width + 2 * x + dx) * 3 +
                                                    c)];
          }
        }
        half.pixels.push_back(static_cast<uint8_t>(sum / 4));
      }
    }
  }
  return half;
}

Image dimmed(Image image) {
  for (uint8_t& value : image.pixels) value = static_cast<uint8_t>(30 + value * 7 / 10);
  return image;
}

Fingerprint of_bytes(const std::string& bytes) {
  auto result = fingerprint(bytes);
  EXPECT_TRUE(std::holds_alternative<Fingerprint>(result));
  return std::get<Fingerprint>(std::move(result));
}

bool near_copies(const Image& a, const Fingerprint& b) {
  NearCopyIndex index;
  index.add(fingerprint(a));
  return index.find(b).has_value();
}

TEST(NearCopies, ThatWereSavedAnewResizedDimmedOrCroppedAreFound) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Image image = plan(seed);
    JpegOptions poor;
    poor.quality = 30;
    EXPECT_TRUE(near_copies(image, of_bytes(encode_jpeg(image, poor)))) << seed;
    EXPECT_TRUE(near_copies(image, of_bytes(encode_png(halved(image))))) << seed;
    EXPECT_TRUE(near_copies(image, fingerprint(dimmed(image)))) << seed;
    EXPECT_TRUE(near_copies(image, fingerprint(cropped(image, 3, 3, 3, 3)))) << seed;
  }
}

TEST(NearCopies, CroppedAtTwoSidesOnlyAreMostlyFound) {
  int found = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    found += near_copies(plan(seed), fingerprint(cropped(plan(seed), 12, 0, 0, 8))) ? 1 : 0;
  }
  EXPECT_GE(found, 17);
}

TEST(NearCopies, AreNotDifferentPlansOfTheSameOutline) {
  for (uint64_t a = 0; a < 20; ++a) {
    for (uint64_t b = a + 1; b < 20; ++b) {
      EXPECT_LT(likeness(fingerprint(plan(a)), fingerprint(plan(b))), 0.85) << a << " " << b;
    }
  }
}

TEST(NearCopies, AreAsLikeEitherWayRound) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Fingerprint a = fingerprint(plan(seed));
    const Fingerprint b = fingerprint(cropped(plan(seed), 6, 2, 0, 4));
    EXPECT_NEAR(likeness(a, b), likeness(b, a), 0.05) << seed;
    EXPECT_EQ(likeness(a, a), 1);
  }
}

TEST(NearCopies, WithoutAnyDetailGoByTheirGrey) {
  const auto blank = [](uint8_t value) {
    return fingerprint(Image{50, 40, std::vector<uint8_t>(50 * 40 * 3, value)});
  };
  EXPECT_EQ(likeness(blank(255), blank(250)), 1);
  EXPECT_EQ(likeness(blank(255), blank(100)), 0);
  EXPECT_EQ(likeness(blank(255), fingerprint(plan(1))), 0);
}

TEST(NearCopyIndex, FindsWhatComparingEachWithEachFinds) {
  std::vector<Fingerprint> pictures;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    pictures.push_back(fingerprint(plan(seed % 20)));
    if (seed % 3 == 0) pictures.push_back(fingerprint(cropped(plan(seed), 4, 3, 2, 1)));
  }
  NearCopyIndex index;
  for (const Fingerprint& picture : pictures) index.add(picture);
  for (const Fingerprint& picture : pictures) {
    std::vector<int64_t> expected, found;
    for (size_t i = 0; i < pictures.size(); ++i) {
      if (likeness(pictures[i], picture) >= 0.85) expected.push_back(static_cast<int64_t>(i));
    }
    for (const CopyMatch& match : index.find_all(picture)) found.push_back(match.index);
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, expected);
  }
}

TEST(NearCopyIndex, PutsTheSameFileFirst) {
  const std::string png = encode_png(plan(3));
  NearCopyIndex index;
  index.add(fingerprint(plan(3)));
  index.add(of_bytes(png));
  const auto match = index.find(of_bytes(png));
  ASSERT_TRUE(match);
  EXPECT_EQ(match->index, 1);
  EXPECT_TRUE(match->same_file);
}

TEST(NearCopyIndex, WithLikenessAboveOneKnowsOnlyTheSameFile) {
  NearCopyIndex index({1.1});
  index.add(of_bytes(encode_png(plan(3))));
  EXPECT_TRUE(index.find(of_bytes(encode_png(plan(3)))));
  EXPECT_FALSE(index.find(of_bytes(encode_jpeg(plan(3)))));
}

TEST(Fingerprint, KnowsTheSizeOfTheFileItself) {
  const std::string jpeg = encode_jpeg(plan(1, 2000, 1600));
  const Fingerprint large = of_bytes(jpeg);
  EXPECT_EQ(large.width, 2000);
  EXPECT_EQ(large.height, 1600);
  EXPECT_EQ(large.file_bytes, static_cast<int64_t>(jpeg.size()));
  EXPECT_EQ(large.sha256.size(), 64U);
}

TEST(Fingerprint, OfWhatIsNoPictureIsTheReason) {
  const auto result = fingerprint("no picture");
  ASSERT_TRUE(std::holds_alternative<DecodeFailure>(result));
  EXPECT_EQ(std::get<DecodeFailure>(result).code, ReasonCode::unknown_format);
  const std::string png = encode_png(plan(1));
  EXPECT_TRUE(
      std::holds_alternative<DecodeFailure>(fingerprint(std::string_view(png).substr(0, 200))));
}

}  // namespace
}  // namespace fpcls
