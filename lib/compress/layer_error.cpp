#include "compress/layer_error.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace fpcls {

void LayerError::add(const Tensor& reference, const Tensor& values) {
  FPCLS_CHECK(reference.shape() == values.shape());
  const float* from = reference.data<float>();
  const float* to = values.data<float>();
  for (int64_t i = 0; i < reference.count(); ++i) {
    const double a = from[i];
    const double b = to[i];
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
