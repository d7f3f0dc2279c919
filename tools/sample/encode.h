#pragma once

#include <opencv2/core.hpp>
#include <string>

/// RGB pictures to the bytes of a file. Equal pixels and settings give equal bytes.
namespace fpcls::sample {

enum class PngKind { rgb, gray, palette, alpha };

struct JpegSettings {
  int quality = 85;  ///< 1..100
  bool gray = false;
  bool progressive = false;
  bool full_chroma = false;  ///< 4:4:4 instead of 4:2:0
  int orientation = 1;       ///< EXIF: 1 upright, 3, 6, 8; `picture` is then stored turned
};

/// A viewer that obeys EXIF shows `picture` as given, whatever the orientation.
std::string encode_jpeg(const cv::Mat& picture, const JpegSettings& settings);

/// `palette` rounds to 252 colours; `alpha` makes white transparent.
std::string encode_png(const cv::Mat& picture, PngKind kind);

}  // namespace fpcls::sample
