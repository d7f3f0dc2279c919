#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "graph/tensor.h"

/// How far one layer's results are from those of a reference, over any number of pictures.
namespace fpcls {

/// Running sums, in double: adding the parts of a batch one by one gives the batch's error.
class LayerError {
 public:
  /// Takes note of f32 `values` where `reference`, of the same shape, was right.
  void add(const Tensor& reference, const Tensor& values);

  /// Adds what another took note of.
  void merge(const LayerError& other);

  /// Numbers compared so far.
  int64_t count() const { return count_; }
  /// Pairs of which either isn't finite and that aren't the same; they count nowhere else.
  int64_t non_finite() const { return non_finite_; }
  /// Of all differences; 0 where nothing was compared.
  double max() const { return max_; }
  double mean() const;
  /// The largest difference over the reference's largest magnitude; absent where that is 0 and
  /// the difference isn't.
  std::optional<double> relative() const;
  /// Of the two as vectors; absent where either is 0.
  std::optional<double> cosine() const;
  /// 10 log10(sum of squares of the reference / sum of squares of the differences); absent where
  /// either is 0: nothing differs, or there is no signal.
  std::optional<double> sqnr_db() const;
  /// Whether the difference is more than `tolerance` times the reference's largest magnitude, or
  /// anything isn't finite in one of the two.
  bool diverges(double tolerance) const;

 private:
  void add_finite(const float* from, const float* to, size_t count);
  void add_any(const float* from, const float* to, size_t count);

  int64_t count_ = 0;
  int64_t non_finite_ = 0;
  double max_ = 0, sum_ = 0, largest_ = 0;
  double noise_ = 0, signal_ = 0, other_ = 0, product_ = 0;
};

}  // namespace fpcls
