#include "compress/layer_error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace fpcls {
namespace {

/// Neighbours go to sums of their own, which compilers turn into vector instructions.
constexpr size_t kLanes = 8;
using Lanes = std::array<double, kLanes>;

double total(const Lanes& lanes) { return std::accumulate(lanes.begin(), lanes.end(), 0.0); }
double largest(const Lanes& lanes) { return *std::max_element(lanes.begin(), lanes.end()); }

bool all_finite(const float* values, size_t count) {
  bool finite = true;
  for (size_t i = 0; i < count; ++i) {
    finite &= std::abs(values[i]) <= std::numeric_limits<float>::max();
  }
  return finite;
}

}  // namespace

void LayerError::add(const Tensor& reference, const Tensor& values) {
  FPCLS_CHECK(reference.shape() == values.shape());
  constexpr size_t kBlock = 1024;
  const float* from = reference.data<float>();
  const float* to = values.data<float>();
  const auto count = static_cast<size_t>(reference.count());
  for (size_t i = 0; i < count; i += kBlock) {
    const size_t block = std::min(kBlock, count - i);
    if (block % kLanes == 0 && all_finite(from + i, block) && all_finite(to + i, block)) {
      add_finite(from + i, to + i, block);
    } else {
      add_any(from + i, to + i, block);
    }
  }
}

void LayerError::add_finite(const float* from, const float* to, size_t count) {
  Lanes most{}, sum{}, largest_from{}, noise{}, signal{}, other{}, product{};
  for (size_t i = 0; i < count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double a = double{from[i + lane]}, b = double{to[i + lane]};
      const double difference = std::abs(b - a), size = std::abs(a);
      most[lane] = most[lane] < difference ? difference : most[lane];
      largest_from[lane] = largest_from[lane] < size ? size : largest_from[lane];
      sum[lane] += difference;
      noise[lane] += difference * difference;
      signal[lane] += a * a;
      other[lane] += b * b;
      product[lane] += a * b;
    }
  }
  count_ += static_cast<int64_t>(count);
  max_ = std::max(max_, largest(most));
  largest_ = std::max(largest_, largest(largest_from));
  sum_ += total(sum);
  noise_ += total(noise);
  signal_ += total(signal);
  other_ += total(other);
  product_ += total(product);
}

void LayerError::add_any(const float* from, const float* to, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const double a = double{from[i]}, b = double{to[i]};
    if (!std::isfinite(a) || !std::isfinite(b)) {
      const bool same = a == b || (std::isnan(a) && std::isnan(b));
      if (!same) ++non_finite_;
      continue;
    }
    const double difference = std::abs(b - a);
    ++count_;
    max_ = std::max(max_, difference);
    sum_ += difference;
    largest_ = std::max(largest_, std::abs(a));
    noise_ += difference * difference;
    signal_ += a * a;
    other_ += b * b;
    product_ += a * b;
  }
}

void LayerError::merge(const LayerError& other) {
  count_ += other.count_;
  non_finite_ += other.non_finite_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
  largest_ = std::max(largest_, other.largest_);
  noise_ += other.noise_;
  signal_ += other.signal_;
  other_ += other.other_;
  product_ += other.product_;
}

double LayerError::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

std::optional<double> LayerError::relative() const {
  if (max_ == 0) return 0;
  if (largest_ == 0) return std::nullopt;
  return max_ / largest_;
}

std::optional<double> LayerError::cosine() const {
  if (signal_ == 0 || other_ == 0) return std::nullopt;
  return std::clamp(product_ / std::sqrt(signal_) / std::sqrt(other_), -1.0, 1.0);
}

std::optional<double> LayerError::sqnr_db() const {
  if (noise_ == 0 || signal_ == 0) return std::nullopt;
  return 10 * std::log10(signal_ / noise_);
}

bool LayerError::diverges(double tolerance) const {
  return non_finite_ > 0 || max_ > tolerance * largest_;
}

}  // namespace fpcls
