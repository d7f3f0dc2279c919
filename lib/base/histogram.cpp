#include "base/histogram.h"

#include <algorithm>
#include <cmath>

namespace fpcls {
namespace {

int bin_of(double value, int exponent) {
  return static_cast<int>(std::floor(std::ldexp(value, -exponent)));
}

/// The finest bins in which all of min..max, and 0, have place. Depends on the two alone.
int exponent_for(float min, float max) {
  const double low = std::min(0.0F, min);
  const double high = std::max(0.0F, max);
  int exponent = std::max(Histogram::kFinestExponent,
                          std::ilogb(std::max(high - low, 1e-300)) - 12);
  const auto fits = [&] {
    return std::floor(std::ldexp(high, -exponent)) - std::floor(std::ldexp(low, -exponent)) <
           Histogram::kMaxBins;
  };
  while (!fits()) ++exponent;
  return exponent;
}

/// Makes room for min..max: coarser bins where needed, and more of them.
void extend(Histogram& h, float min, float max) {
  h.min = (h.total == 0 ? min : std::min(h.min, min)) + 0.0F;  // -0 would tell orders apart
  h.max = (h.total == 0 ? max : std::max(h.max, max)) + 0.0F;
  const int exponent = exponent_for(h.min, h.max);
  const int first = bin_of(std::min(0.0F, h.min), exponent);
  const int last = bin_of(std::max(0.0F, h.max), exponent);
  std::vector<int64_t> counts(static_cast<size_t>(last - first + 1));
  for (size_t i = 0; i < h.counts.size(); ++i) {
    if (h.counts[i] == 0) continue;  // empty bins may lie beyond the new ones
    const double low = std::ldexp(h.first + static_cast<double>(i), h.exponent);
    counts[static_cast<size_t>(bin_of(low, exponent) - first)] += h.counts[i];
  }
  h.counts = std::move(counts);
  h.exponent = exponent;
  h.first = first;
}

}  // namespace

void Histogram::add(const float* values, size_t count) {
  float low = INFINITY, high = -INFINITY;
  int64_t finite = 0;
  for (size_t i = 0; i < count; ++i) {
    const bool counts_in = std::isfinite(values[i]);
    finite += counts_in;
    low = counts_in ? std::min(low, values[i]) : low;
    high = counts_in ? std::max(high, values[i]) : high;
  }
  nonfinite += static_cast<int64_t>(count) - finite;
  if (finite == 0) return;
  if (total == 0 || low < min || high > max) extend(*this, low, high);
  // Multiplying by a power of two is exact, so each number falls where `bin_of` says.
  const double steps = std::ldexp(1.0, -exponent);
  int64_t* const zero = counts.data() - first;
  int64_t exact_zeros = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[i])) continue;
    ++zero[static_cast<int>(std::floor(static_cast<double>(values[i]) * steps))];
    exact_zeros += values[i] == 0;
  }
  zeros += exact_zeros;
  total += finite;
}

void Histogram::merge(const Histogram& other) {
  nonfinite += other.nonfinite;
  if (other.total == 0) return;
  Histogram wider = other;
  if (total > 0) extend(wider, min, max);
  extend(*this, wider.min, wider.max);
  for (size_t i = 0; i < counts.size(); ++i) counts[i] += wider.counts[i];
  zeros += other.zeros;
  total += other.total;
}

double Histogram::width() const { return std::ldexp(1.0, exponent); }

double Histogram::center(size_t i) const {
  return std::ldexp(first + static_cast<double>(i) + 0.5, exponent);
}

bool operator==(const Histogram& a, const Histogram& b) {
  return a.exponent == b.exponent && a.first == b.first && a.counts == b.counts &&
         a.total == b.total && a.zeros == b.zeros && a.nonfinite == b.nonfinite &&
         (a.total == 0 || (a.min == b.min && a.max == b.max));
}

}  // namespace fpcls
