#include "images/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "images/resample.h"

namespace fpcls {
namespace {

/// How one axis of the network's input is made: `before` black positions, then the window, then
/// black up to the end. There is black only where the crop is larger than the resized picture.
struct Axis {
  int before = 0;
  AxisWindow window;
};

/// torchvision's CenterCrop: it pads with the odd position behind, and rounds halves to even.
Axis cropped_axis(int64_t resized, int crop) {
  if (resized < crop) {
    const int length = static_cast<int>(resized);
    return {(crop - length) / 2, {resized, 0, length}};
  }
  const auto first =
      static_cast<int64_t>(std::nearbyint(static_cast<double>(resized - crop) / 2.0));
  return {0, {resized, first, crop}};
}

/// torchvision's Resize of the short side to `size`: the long side is cut to an integer.
int64_t long_side(int size, int64_t longer, int64_t shorter) {
  return static_cast<int64_t>(static_cast<double>(size * longer) / static_cast<double>(shorter));
}

}  // namespace

void preprocess(const Image& image, const Preprocessing& preprocessing, uint8_t* pixels) {
  FPCLS_CHECK(image.width > 0 && image.height > 0 &&
              image.pixels.size() ==
                  size_t{3} * static_cast<size_t>(image.width) * static_cast<size_t>(image.height));
  const int64_t width = image.width, height = image.height;
  Axis x{0, {preprocessing.width, 0, preprocessing.width}};
  Axis y{0, {preprocessing.height, 0, preprocessing.height}};
  if (preprocessing.fit == Fit::center_crop) {
    const int size = preprocessing.resize;
    const bool wide = width > height;
    x = cropped_axis(wide ? long_side(size, width, height) : size, preprocessing.width);
    y = cropped_axis(wide ? size : long_side(size, height, width), preprocessing.height);
  }
  const int64_t stride = int64_t{3} * preprocessing.width;
  if (x.window.count < preprocessing.width || y.window.count < preprocessing.height) {
    std::memset(pixels, 0, static_cast<size_t>(stride * preprocessing.height));
  }
  static const ResampleKernels kernels = best_kernels();
  resample(image, x.window, y.window, pixels + y.before * stride + 3 * x.before, stride, kernels);
}

}  // namespace fpcls
