#pragma once

#include <cstdint>
#include <vector>

#include "images/decode.h"

/// Pillow's antialiased bilinear resampling, bit for bit, of a window of the resized picture: only
/// the rows and columns that the window needs are read. Two passes, first along rows to 8 bits,
/// then along columns, with weights of 22 bits behind the point.
namespace fpcls {

/// Which part of a resized axis is wanted.
struct AxisWindow {
  int64_t resized = 1;  ///< length that the whole axis is resized to
  int64_t first = 0;    ///< first position wanted, in 0 .. resized - 1
  int count = 1;        ///< positions wanted
};

/// For each wanted position the run of inputs that it is made of and their weights.
struct AxisWeights {
  int taps = 1;                  ///< weights a position, padded with zeros
  std::vector<int> first;        ///< first input of each position
  std::vector<int> count;        ///< inputs of each position, at most `taps`
  std::vector<int32_t> weights;  ///< positions x taps; each position's sum to 2^22
};
AxisWeights axis_weights(int input, const AxisWindow& window);

/// The inner loops. There are several for the same result.
struct ResampleKernels {
  /// Resamples up to four rows (null: none) along x; writes 3 bytes a position and may write 1
  /// more. Reads 16 bytes behind a run's last tap at most.
  void (*rows)(const uint8_t* const rows[4], const AxisWeights& columns,
               const std::vector<int16_t>& packed, uint8_t* const targets[4]);
  /// sums[i] += sum over r < count of weights[r] * rows[r * stride + i], for i < `values`.
  void (*columns)(const uint8_t* rows, int64_t stride, int count, const int32_t* weights,
                  int32_t* sums, int values);
};
ResampleKernels portable_kernels();
/// The fastest that this processor runs.
ResampleKernels best_kernels();

/// The weights as the kernels for x want them: see resample_kernels.cpp.
std::vector<int16_t> pack_weights(const AxisWeights& weights);
/// Bytes behind a position's first tap that `rows` may read.
int64_t row_reach_bytes(const AxisWeights& weights);

/// Writes `y.count` rows of 3 x `x.count` bytes, each `stride` bytes behind the one before.
void resample(const Image& image, const AxisWindow& x, const AxisWindow& y, uint8_t* pixels,
              int64_t stride, const ResampleKernels& kernels);

}  // namespace fpcls
