#include "images/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace fpcls {
namespace {

constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);
/// Rows resampled along x before they are added to the columns' sums: fits the first-level cache.
constexpr int kBlockRows = 32;
constexpr int kRowPadding = 32;

/// Rows of the picture that can be read past their end without leaving the picture's memory.
class RowReader {
 public:
  RowReader(const Image& image, int64_t reach_bytes) : image_(image), reach_bytes_(reach_bytes) {}

  /// Valid until four more rows have been asked for.
  const uint8_t* row(int y) {
    const int64_t line = int64_t{3} * image_.width;
    const uint8_t* start = image_.pixels.data() + y * line;
    if (y * line + reach_bytes_ <= static_cast<int64_t>(image_.pixels.size())) return start;
    std::vector<uint8_t>& copy = copies_[static_cast<size_t>(y) % copies_.size()];
    copy.assign(static_cast<size_t>(std::max(reach_bytes_, line)), 0);
    std::memcpy(copy.data(), start, static_cast<size_t>(line));
    return copy.data();
  }

 private:
  const Image& image_;
  int64_t reach_bytes_;
  std::array<std::vector<uint8_t>, 4> copies_;
};

/// A block of consecutive rows resampled along x.
class Block {
 public:
  Block(const Image& image, const AxisWeights& columns, const ResampleKernels& kernels)
      : reader_(image, row_reach_bytes(columns)),
        columns_(columns),
        packed_(pack_weights(columns)),
        kernels_(kernels),
        stride_(int64_t{3} * static_cast<int64_t>(columns.first.size()) + kRowPadding),
        rows_(static_cast<size_t>(stride_ * kBlockRows)) {}

  void fill(int first, int end) {
    for (int y = first; y < end; y += 4) {
      std::array<const uint8_t*, 4> rows{};
      std::array<uint8_t*, 4> targets{};
      for (int i = 0; i < 4 && y + i < end; ++i) {
        rows[i] = reader_.row(y + i);
        targets[i] = rows_.data() + (y + i - first) * stride_;
      }
      kernels_.rows(rows.data(), columns_, packed_, targets.data());
    }
  }
  const uint8_t* row(int index) const { return rows_.data() + index * stride_; }
  int64_t stride() const { return stride_; }

 private:
  RowReader reader_;
  const AxisWeights& columns_;
  const std::vector<int16_t> packed_;
  const ResampleKernels kernels_;
  const int64_t stride_;
  std::vector<uint8_t> rows_;
};

void write_row(const int32_t* sums, int values, uint8_t* target) {
  for (int i = 0; i < values; ++i) {
    target[i] = static_cast<uint8_t>(std::clamp(sums[i] >> kWeightBits, 0, 255));
  }
}

}  // namespace

AxisWeights axis_weights(int input, const AxisWindow& window) {
  FPCLS_CHECK(input > 0 && window.count > 0 && window.first >= 0 &&
              window.first + window.count <= window.resized);
  const double scale = static_cast<double>(input) / static_cast<double>(window.resized);
  const double support = std::max(scale, 1.0);  // of the triangle, which widens when shrinking
  AxisWeights axis;
  axis.taps = static_cast<int>(std::ceil(support)) * 2 + 1;
  axis.weights.resize(static_cast<size_t>(window.count) * static_cast<size_t>(axis.taps));
  std::vector<double> exact(static_cast<size_t>(axis.taps));
  for (int i = 0; i < window.count; ++i) {
    const double center = (static_cast<double>(window.first + i) + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - support + 0.5));
    const int end = std::min(input, static_cast<int>(center + support + 0.5));
    double sum = 0;
    for (int tap = 0; tap < end - first; ++tap) {
      const double distance = std::abs((tap + first - center + 0.5) * (1.0 / support));
      exact[tap] = std::max(0.0, 1.0 - distance);
      sum += exact[tap];
    }
    int32_t* weights = &axis.weights[static_cast<size_t>(i) * static_cast<size_t>(axis.taps)];
    for (int tap = 0; tap < end - first; ++tap) {
      const double weight = sum != 0 ? exact[tap] / sum : exact[tap];
      weights[tap] = static_cast<int32_t>(0.5 + weight * (1 << kWeightBits));
    }
    axis.first.push_back(first);
    axis.count.push_back(end - first);
  }
  return axis;
}

void resample(const Image& image, const AxisWindow& x, const AxisWindow& y, uint8_t* pixels,
              int64_t stride, const ResampleKernels& kernels) {
  const AxisWeights columns = axis_weights(image.width, x);
  const AxisWeights rows = axis_weights(image.height, y);
  const int values = 3 * x.count;
  const int end = rows.first.back() + rows.count.back();
  Block block(image, columns, kernels);
  std::vector<int32_t> sums(static_cast<size_t>(y.count) * static_cast<size_t>(values), kHalf);
  const auto end_of = [&](int position) { return rows.first[position] + rows.count[position]; };
  int oldest = 0;  // first position that isn't complete
  for (int start = rows.first.front(); start < end; start += kBlockRows) {
    const int stop = std::min(end, start + kBlockRows);
    block.fill(start, stop);
    for (int i = oldest; i < y.count && rows.first[i] < stop; ++i) {
      const int from = std::max(start, rows.first[i]);
      const int to = std::min(stop, end_of(i));
      if (from >= to) continue;
      int32_t* sum = &sums[static_cast<size_t>(i) * static_cast<size_t>(values)];
      const int32_t* weights = &rows.weights[static_cast<size_t>(i) * rows.taps];
      kernels.columns(block.row(from - start), block.stride(), to - from,
                      weights + (from - rows.first[i]), sum, values);
    }
    for (; oldest < y.count && end_of(oldest) <= stop; ++oldest) {
      write_row(&sums[static_cast<size_t>(oldest) * static_cast<size_t>(values)], values,
                pixels + oldest * stride);
    }
  }
}

}  // namespace fpcls
