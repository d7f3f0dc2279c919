#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "base/enum_names.h"

/// How a decoded picture becomes a network's input. Part of a model: the same weights with another
/// preprocessing are another classifier.
namespace fpcls {

enum class Fit {
  stretch,      ///< both sides resized to the network's, whatever the aspect ratio
  center_crop,  ///< short side resized to `resize`, then the middle height x width cut out
};

template <>
struct EnumNames<Fit> {
  static constexpr std::pair<Fit, std::string_view> entries[] = {
      {Fit::stretch, "stretch"}, {Fit::center_crop, "center_crop"}};
};

enum class Decode {
  exact,  ///< every pixel decoded, then resized
  fast,   ///< a JPEG that is much too large decoded at reduced size, then resized
};

template <>
struct EnumNames<Decode> {
  static constexpr std::pair<Decode, std::string_view> entries[] = {
      {Decode::exact, "exact"}, {Decode::fast, "fast"}};
};

struct Preprocessing {
  int height = 224;
  int width = 224;
  Fit fit = Fit::center_crop;
  int resize = 256;  ///< length of the short side before the crop; `center_crop` only
  Decode decode = Decode::exact;
  /// Input = (value / 255 - mean) / std, channels R, G, B.
  std::array<float, 3> mean{0.485F, 0.456F, 0.406F};
  std::array<float, 3> std{0.229F, 0.224F, 0.225F};
};

/// Whether two models can be given the very same pixels; mean and std, which are applied to those
/// pixels later, don't matter.
inline bool same_pixels(const Preprocessing& a, const Preprocessing& b) {
  return a.height == b.height && a.width == b.width && a.fit == b.fit && a.decode == b.decode &&
         (a.fit == Fit::stretch || a.resize == b.resize);
}

}  // namespace fpcls
