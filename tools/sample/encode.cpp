#include "encode.h"

#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>
#include <png.h>

#include <memory>
#include <opencv2/imgproc.hpp>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace fpcls::sample {
namespace {

using namespace std::string_view_literals;

// Encoding into memory fails only for settings that make no sense.
[[noreturn]] void on_jpeg_error(j_common_ptr) {
  check_failed("libjpeg accepts the settings", __FILE__, __LINE__);
}

cv::Mat turned_for(const cv::Mat& picture, int orientation) {
  cv::Mat stored;
  switch (orientation) {
    case 3:
      cv::rotate(picture, stored, cv::ROTATE_180);
      return stored;
    case 6:
      cv::rotate(picture, stored, cv::ROTATE_90_COUNTERCLOCKWISE);
      return stored;
    case 8:
      cv::rotate(picture, stored, cv::ROTATE_90_CLOCKWISE);
      return stored;
    default:
      return picture;
  }
}

cv::Mat to_gray(const cv::Mat& picture) {
  cv::Mat gray;
  cv::cvtColor(picture, gray, cv::COLOR_RGB2GRAY);
  return gray;
}

// The shortest EXIF block: one directory with one entry, tag 0x0112 (EXIF 2.3, 4.6.4).
std::string exif_block(int orientation) {
  std::string block("Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"sv);
  block += static_cast<char>(orientation);
  block.append("\0\0\0\0\0\0"sv);
  return block;
}

}  // namespace

std::string encode_jpeg(const cv::Mat& picture, const JpegSettings& settings) {
  cv::Mat stored = turned_for(picture, settings.orientation);
  if (settings.gray) stored = to_gray(stored);
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  errors.error_exit = on_jpeg_error;
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = static_cast<JDIMENSION>(stored.cols);
  jpeg.image_height = static_cast<JDIMENSION>(stored.rows);
  jpeg.input_components = stored.channels();
  jpeg.in_color_space = settings.gray ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, settings.quality, TRUE);
  if (settings.progressive) jpeg_simple_progression(&jpeg);
  if (settings.full_chroma && !settings.gray) {
    jpeg.comp_info[0].h_samp_factor = jpeg.comp_info[0].v_samp_factor = 1;
  }
  jpeg_start_compress(&jpeg, TRUE);
  if (settings.orientation != 1) {
    const std::string block = exif_block(settings.orientation);
    jpeg_write_marker(&jpeg, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(block.data()),
                      static_cast<unsigned>(block.size()));
  }
  for (int y = 0; y < stored.rows; ++y) {
    JSAMPROW row = stored.ptr(y);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  const std::unique_ptr<unsigned char, decltype(&std::free)> owner(bytes, &std::free);
  std::string encoded(reinterpret_cast<const char*>(bytes), size);
  jpeg_destroy_compress(&jpeg);
  return encoded;
}

namespace {

// 6 x 7 x 6 levels: few enough for a palette, evenly spread.
constexpr int kReds = 6, kGreens = 7, kBlues = 6;

cv::Mat to_palette(const cv::Mat& picture) {
  cv::Mat indices(picture.size(), CV_8U);
  for (int y = 0; y < picture.rows; ++y) {
    const cv::Vec3b* from = picture.ptr<cv::Vec3b>(y);
    for (int x = 0; x < picture.cols; ++x) {
      const int r = (from[x][0] * (kReds - 1) + 127) / 255,
                g = (from[x][1] * (kGreens - 1) + 127) / 255;
      const int b = (from[x][2] * (kBlues - 1) + 127) / 255;
      indices.at<uchar>(y, x) = static_cast<uchar>((r * kGreens + g) * kBlues + b);
    }
  }
  return indices;
}

std::vector<png_byte> palette_colors() {
  std::vector<png_byte> colors;
  for (int i = 0; i < kReds * kGreens * kBlues; ++i) {
    colors.push_back(static_cast<png_byte>(i / (kGreens * kBlues) * 255 / (kReds - 1)));
    colors.push_back(static_cast<png_byte>(i / kBlues % kGreens * 255 / (kGreens - 1)));
    colors.push_back(static_cast<png_byte>(i % kBlues * 255 / (kBlues - 1)));
  }
  return colors;
}

cv::Mat with_alpha(const cv::Mat& picture) {
  cv::Mat result(picture.size(), CV_8UC4);
  for (int y = 0; y < picture.rows; ++y) {
    const cv::Vec3b* from = picture.ptr<cv::Vec3b>(y);
    cv::Vec4b* to = result.ptr<cv::Vec4b>(y);
    for (int x = 0; x < picture.cols; ++x) {
      const bool white = from[x] == cv::Vec3b(255, 255, 255);
      // The colour below full transparency is black, so that a reader that drops alpha shows.
      to[x] = white ? cv::Vec4b(0, 0, 0, 0) : cv::Vec4b(from[x][0], from[x][1], from[x][2], 255);
    }
  }
  return result;
}

}  // namespace

std::string encode_png(const cv::Mat& picture, PngKind kind) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.cols);
  image.height = static_cast<png_uint_32>(picture.rows);
  cv::Mat stored = picture;
  std::vector<png_byte> colors;
  switch (kind) {
    case PngKind::rgb:
      image.format = PNG_FORMAT_RGB;
      break;
    case PngKind::gray:
      image.format = PNG_FORMAT_GRAY, stored = to_gray(picture);
      break;
    case PngKind::alpha:
      image.format = PNG_FORMAT_RGBA, stored = with_alpha(picture);
      break;
    case PngKind::palette:
      image.format = PNG_FORMAT_RGB_COLORMAP;
      stored = to_palette(picture);
      colors = palette_colors();
      image.colormap_entries = kReds * kGreens * kBlues;
  }
  FPCLS_CHECK(stored.isContinuous());
  std::string encoded(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = encoded.size();
  const int done = png_image_write_to_memory(&image, encoded.data(), &size, 0, stored.data, 0,
                                             colors.empty() ? nullptr : colors.data());
  FPCLS_CHECK(done != 0);
  encoded.resize(size);
  return encoded;
}

}  // namespace fpcls::sample
