#include "reference/images/resample_reference.h"

#include <cmath>

namespace fpcls {
namespace {

/// Weight of input `i` in output `o`: a triangle as wide as two outputs, or two inputs when that is
/// wider, over the picture's inside.
std::vector<double> weights_of(int64_t input, int64_t output, int64_t o) {
  const double scale = static_cast<double>(input) / static_cast<double>(output);
  const double radius = scale > 1 ? scale : 1;
  std::vector<double> weights;
  double sum = 0;
  for (int64_t i = 0; i < input; ++i) {
    const double distance = std::fabs((i + 0.5) - (o + 0.5) * scale) / radius;
    weights.push_back(distance < 1 ? 1 - distance : 0);
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

struct Resized {
  int64_t width, height;
};

Resized resized_size(const Image& image, const Preprocessing& p) {
  if (p.fit == Fit::stretch) return {p.width, p.height};
  const int64_t w = image.width, h = image.height;
  return w <= h ? Resized{p.resize, p.resize * h / w} : Resized{p.resize * w / h, p.resize};
}

/// Position in the resized picture of the crop's position 0; below 0 where it is padded.
int64_t crop_offset(int64_t resized, int64_t crop) {
  if (resized < crop) return -((crop - resized) / 2);
  const int64_t half = (resized - crop) / 2;
  const bool odd = (resized - crop) % 2 != 0;
  return odd && half % 2 != 0 ? half + 1 : half;
}

}  // namespace

std::vector<double> preprocess_slowly(const Image& image, const Preprocessing& p) {
  const Resized size = resized_size(image, p);
  const int64_t left = crop_offset(size.width, p.width), top = crop_offset(size.height, p.height);
  std::vector<double> values;
  for (int64_t y = top; y < top + p.height; ++y) {
    for (int64_t x = left; x < left + p.width; ++x) {
      double sums[3] = {0, 0, 0};
      if (x >= 0 && x < size.width && y >= 0 && y < size.height) {
        const auto columns = weights_of(image.width, size.width, x);
        const auto rows = weights_of(image.height, size.height, y);
        for (int j = 0; j < image.height; ++j) {
          for (int i = 0; i < image.width && rows[j] > 0; ++i) {
            for (int c = 0; c < 3; ++c) {
              sums[c] += rows[j] * columns[i] * image.pixels[3 * (j * image.width + i) + c];
            }
          }
        }
      }
      values.insert(values.end(), sums, sums + 3);
    }
  }
  return values;
}

}  // namespace fpcls
