#include "images/augment.h"

#include <cstdio>  // jpeglib.h needs it first

#include <jpeglib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace fpcls {
namespace {

constexpr int kChannels = 3;

struct Pixels {
  int height;
  int width;
  uint8_t* data;

  size_t size() const { return static_cast<size_t>(height) * width * kChannels; }
  uint8_t* at(int y, int x) const {
    return data + (static_cast<size_t>(y) * width + x) * kChannels;
  }
};

/// A window of the stored picture, resized. OpenCV's exact variant gives the same bytes with any
/// instruction set.
void crop(const uint8_t* stored, int stored_height, int stored_width, double crop_ratio,
          Random& random, const Pixels& out) {
  const auto window = [&](int side) {
    const int smallest = std::max(1, static_cast<int>(std::lround(side * (1 - crop_ratio))));
    const auto length = static_cast<int>(random.between(smallest, side));
    return std::pair(static_cast<int>(random.between(0, side - length)), length);
  };
  const auto [y, rows] = window(stored_height);
  const auto [x, columns] = window(stored_width);
  const cv::Mat source(stored_height, stored_width, CV_8UC3, const_cast<uint8_t*>(stored));
  cv::Mat target(out.height, out.width, CV_8UC3, out.data);
  cv::resize(source(cv::Rect(x, y, columns, rows)), target, target.size(), 0, 0,
             cv::INTER_LINEAR_EXACT);
}

void flip_horizontally(const Pixels& p) {
  for (int y = 0; y < p.height; ++y) {
    for (int left = 0, right = p.width - 1; left < right; ++left, --right) {
      std::swap_ranges(p.at(y, left), p.at(y, left) + kChannels, p.at(y, right));
    }
  }
}

void flip_vertically(const Pixels& p) {
  const size_t row_bytes = static_cast<size_t>(p.width) * kChannels;
  for (int top = 0, bottom = p.height - 1; top < bottom; ++top, --bottom) {
    std::swap_ranges(p.at(top, 0), p.at(top, 0) + row_bytes, p.at(bottom, 0));
  }
}

/// Transposes; together with a flip that is a quarter turn.
void transpose(const Pixels& p) {
  for (int y = 0; y < p.height; ++y) {
    for (int x = 0; x < y; ++x) std::swap_ranges(p.at(y, x), p.at(y, x) + kChannels, p.at(x, y));
  }
}

void change_light(const AugmentOptions& options, Random& random, const Pixels& p) {
  const double contrast = 1 + random.uniform(-options.contrast, options.contrast);
  const double shift = 255 * random.uniform(-options.brightness, options.brightness);
  std::array<std::array<uint8_t, 256>, kChannels> tables;
  for (auto& table : tables) {
    const double gain = 1 + random.uniform(-options.channel_gain, options.channel_gain);
    for (int v = 0; v < 256; ++v) {
      const double lit = ((v - 127.5) * contrast + 127.5 + shift) * gain;
      table[static_cast<size_t>(v)] =
          static_cast<uint8_t>(std::lround(std::clamp(lit, 0.0, 255.0)));
    }
  }
  for (size_t i = 0; i < p.size(); i += kChannels) {
    for (size_t c = 0; c < kChannels; ++c) p.data[i + c] = tables[c][p.data[i + c]];
  }
}

/// Weights side, 256 - 2 side, side along rows, then along columns; edges are repeated.
void blur(Random& random, const Pixels& p) {
  const auto side = static_cast<int>(random.between(24, 80));
  std::vector<uint8_t> line(p.size());
  const auto pass = [&](int lines, int length, size_t line_step, size_t step) {
    for (int l = 0; l < lines; ++l) {
      uint8_t* start = p.data + static_cast<size_t>(l) * line_step;
      for (int i = 0; i < length; ++i) {
        const uint8_t* before = start + static_cast<size_t>(std::max(0, i - 1)) * step;
        const uint8_t* here = start + static_cast<size_t>(i) * step;
        const uint8_t* after = start + static_cast<size_t>(std::min(length - 1, i + 1)) * step;
        for (int c = 0; c < kChannels; ++c) {
          const int sum = side * (before[c] + after[c]) + (256 - 2 * side) * here[c];
          line[static_cast<size_t>(i) * kChannels + c] = static_cast<uint8_t>((sum + 128) >> 8);
        }
      }
      for (int i = 0; i < length; ++i) {
        std::memcpy(start + static_cast<size_t>(i) * step,
                    &line[static_cast<size_t>(i) * kChannels], kChannels);
      }
    }
  };
  const size_t row_bytes = static_cast<size_t>(p.width) * kChannels;
  pass(p.height, p.width, row_bytes, kChannels);
  pass(p.width, p.height, kChannels, row_bytes);
}

/// The sum of four random bytes is close enough to a normal distribution here and costs a
/// twentieth.
void add_noise(double sigma_max, Random& random, const Pixels& p) {
  constexpr double kSumMean = 510;
  constexpr double kSumSigma = 147.8;  // of four bytes, sqrt(4 (256^2 - 1) / 12)
  const double factor = random.uniform(0.25, 1.0) * sigma_max / kSumSigma;
  std::array<int, 1021> noise;
  for (size_t i = 0; i < noise.size(); ++i) {
    noise[i] = static_cast<int>(std::lround((static_cast<double>(i) - kSumMean) * factor));
  }
  uint64_t bits = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    bits = i % 2 == 0 ? random.bits() : bits >> 32;
    const size_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24 & 255);
    p.data[i] = static_cast<uint8_t>(std::clamp(p.data[i] + noise[sum], 0, 255));
  }
}

/// What libjpeg calls on an error. Pixels of ours, at a size of ours, never are one.
[[noreturn]] void no_error_expected(j_common_ptr info) {
  char message[JMSG_LENGTH_MAX];
  info->err->format_message(info, message);
  check_failed(message, __FILE__, __LINE__);
}

jpeg_error_mgr* prepare_errors(jpeg_error_mgr& errors) {
  jpeg_std_error(&errors);
  errors.error_exit = no_error_expected;
  errors.output_message = [](j_common_ptr) {};
  return &errors;
}

std::pair<unsigned char*, unsigned long> encode_jpeg(const Pixels& p, int quality,
                                                     bool full_colour) {
  jpeg_error_mgr errors;
  jpeg_compress_struct encoder;
  encoder.err = prepare_errors(errors);
  jpeg_create_compress(&encoder);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &bytes, &size);
  encoder.image_width = static_cast<JDIMENSION>(p.width);
  encoder.image_height = static_cast<JDIMENSION>(p.height);
  encoder.input_components = kChannels;
  encoder.in_color_space = JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, quality, TRUE);
  if (full_colour) encoder.comp_info[0].h_samp_factor = encoder.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&encoder, TRUE);
  while (encoder.next_scanline < encoder.image_height) {
    JSAMPROW row = p.at(static_cast<int>(encoder.next_scanline), 0);
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  return {bytes, size};
}

void decode_jpeg(const unsigned char* bytes, unsigned long size, const Pixels& p) {
  jpeg_error_mgr errors;
  jpeg_decompress_struct decoder;
  decoder.err = prepare_errors(errors);
  jpeg_create_decompress(&decoder);
  jpeg_mem_src(&decoder, bytes, size);
  jpeg_read_header(&decoder, TRUE);
  decoder.out_color_space = JCS_RGB;
  jpeg_start_decompress(&decoder);
  FPCLS_CHECK(decoder.output_width == static_cast<JDIMENSION>(p.width) &&
              decoder.output_height == static_cast<JDIMENSION>(p.height));
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW row = p.at(static_cast<int>(decoder.output_scanline), 0);
    jpeg_read_scanlines(&decoder, &row, 1);
  }
  jpeg_finish_decompress(&decoder);
  jpeg_destroy_decompress(&decoder);
}

void recompress(const AugmentOptions& options, Random& random, const Pixels& p) {
  const auto quality =
      static_cast<int>(random.between(options.jpeg_quality_min, options.jpeg_quality_max));
  const auto [bytes, size] = encode_jpeg(p, quality, random.chance(0.25));
  decode_jpeg(bytes, size, p);
  std::free(bytes);
}

}  // namespace

AugmentOptions plan_augmentation() {
  AugmentOptions options;
  options.crop_ratio = 0.15;
  options.horizontal_flip_probability = 0.5;
  options.vertical_flip_probability = 0.5;
  options.quarter_turn_probability = 0.5;
  options.brightness = 0.1;
  options.contrast = 0.2;
  options.channel_gain = 0.06;
  options.blur_probability = 0.1;
  options.noise_probability = 0.1;
  options.noise_sigma = 6;
  options.jpeg_probability = 0.2;
  return options;
}

double stored_scale(const AugmentOptions& options) {
  // The mean cut-out: larger would be blurred by resizing, smaller would alias.
  return 1 / (1 - options.crop_ratio / 2);
}

void augment(const uint8_t* stored, int stored_height, int stored_width,
             const AugmentOptions& options, uint64_t seed, int height, int width, uint8_t* result) {
  Random random(seed);
  const Pixels pixels{height, width, result};
  crop(stored, stored_height, stored_width, options.crop_ratio, random, pixels);
  if (random.chance(options.horizontal_flip_probability)) flip_horizontally(pixels);
  if (random.chance(options.vertical_flip_probability)) flip_vertically(pixels);
  if (random.chance(options.quarter_turn_probability) && height == width) transpose(pixels);
  if (random.chance(options.blur_probability)) blur(random, pixels);
  if (options.brightness > 0 || options.contrast > 0 || options.channel_gain > 0) {
    change_light(options, random, pixels);
  }
  if (random.chance(options.noise_probability)) add_noise(options.noise_sigma, random, pixels);
  if (random.chance(options.jpeg_probability)) recompress(options, random, pixels);
}

}  // namespace fpcls
