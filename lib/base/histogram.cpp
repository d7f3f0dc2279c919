#include "base/histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iterator>

#include "base/error.h"

// GCC makes a version of the function for each and takes the best at start.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FPCLS_FOR_WIDER_VECTORS [[gnu::target_clones("default", "avx2", "arch=skylake-avx512")]]
#else
#define FPCLS_FOR_WIDER_VECTORS
#endif

namespace fpcls {
namespace {

int bin_of(double value, int exponent) {
  return static_cast<int>(std::floor(std::ldexp(value, -exponent)));
}

/// The finest bins in which all of min..max, and 0, have place. Depends on the two alone.
int exponent_for(float min, float max) {
  const double low = std::min(0.0F, min);
  const double high = std::max(0.0F, max);
  int exponent =
      std::max(Histogram::kFinestExponent, std::ilogb(std::max(high - low, 1e-300)) - 12);
  const auto fits = [&] {
    return std::floor(std::ldexp(high, -exponent)) - std::floor(std::ldexp(low, -exponent)) <
           Histogram::kMaxBins;
  };
  while (!fits()) ++exponent;
  return exponent;
}

/// The bin that holds `bin` where bins are 2^doublings as wide.
int coarser(int bin, int doublings) {
  FPCLS_CHECK(doublings >= 0);  // a wider range's bins are never narrower
  return bin >> std::min(doublings, 31);
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
    counts[static_cast<size_t>(coarser(h.first + static_cast<int>(i), exponent - h.exponent) -
                               first)] += h.counts[i];
  }
  h.counts = std::move(counts);
  h.exponent = exponent;
  h.first = first;
}

/// Below, clearing tables costs more than it saves.
constexpr size_t kFew = 4096;
constexpr size_t kTables = 4, kBlock = 256;

/// A float's bits as an integer in the numbers' order, and back.
constexpr int32_t key_of(int32_t bits) { return bits ^ ((bits >> 31) & 0x7fffffff); }

struct Keys {
  int32_t low = INT32_MAX, high = INT32_MIN;
};

/// Widens `keys`; returns how many numbers aren't finite. With integers, because NaN keeps the
/// compiler from comparing floats by vectors.
FPCLS_FOR_WIDER_VECTORS
int32_t look_at_keys(const float* values, size_t count, Keys& keys) {
  int32_t low = keys.low, high = keys.high, nonfinite = 0;
  for (size_t i = 0; i < count; ++i) {
    int32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    nonfinite += (bits & 0x7f800000) == 0x7f800000;
    low = std::min(low, key_of(bits));
    high = std::max(high, key_of(bits));
  }
  keys = {low, high};
  return nonfinite;
}

/// A block's bins, as places in the histogram's counts; returns how many numbers are 0.
FPCLS_FOR_WIDER_VECTORS
int32_t bins_of(const float* values, size_t count, float steps, int first, int32_t* bins) {
  int32_t zeros = 0;
  for (size_t i = 0; i < count; ++i) {
    // Multiplying by a power of two is exact, so each number falls where `bin_of` says.
    const float scaled = values[i] * steps;
    const auto whole = static_cast<int32_t>(scaled);
    // Below 0 cutting off rounds up, and what is too small for a float has become 0.
    const bool below = (scaled < static_cast<float>(whole)) | ((values[i] < 0) & (scaled == 0));
    bins[i] = whole - below - first;
    zeros += values[i] == 0;
  }
  return zeros;
}

/// Counts finite numbers that lie within the histogram's range; returns how many are 0. Neighbours
/// are counted in tables of their own: most results hold long runs of zeros, and each increment of
/// one counter waits for the one before.
template <size_t tables>
int64_t tally(const float* values, size_t count, Histogram& h) {
  const auto steps = static_cast<float>(std::ldexp(1.0, -h.exponent));
  const size_t size = h.counts.size();
  std::vector<uint32_t> counted(tables > 1 ? tables * size : 0);
  int64_t zeros = 0;
  std::array<int32_t, kBlock> bins;
  for (size_t from = 0; from < count; from += kBlock) {
    const size_t block = std::min(kBlock, count - from);
    zeros += bins_of(values + from, block, steps, h.first, bins.data());
    if constexpr (tables == 1) {
      for (size_t i = 0; i < block; ++i) ++h.counts[static_cast<size_t>(bins[i])];
    } else {
      for (size_t i = 0; i < block; ++i) {
        ++counted[(i % tables) * size + static_cast<size_t>(bins[i])];
      }
    }
  }
  for (size_t table = 0; table < counted.size(); table += size) {
    for (size_t bin = 0; bin < size; ++bin) h.counts[bin] += counted[table + bin];
  }
  return zeros;
}

}  // namespace

NumberExtent extent_of(const float* values, size_t count) {
  constexpr size_t kChunk = size_t{1} << 20;
  Keys keys;
  NumberExtent extent;
  for (size_t from = 0; from < count; from += kChunk) {
    extent.nonfinite += look_at_keys(values + from, std::min(kChunk, count - from), keys);
  }
  const auto value_of = [](int32_t key) {
    const int32_t bits = key_of(key);
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  };
  extent.min = value_of(keys.low);
  extent.max = value_of(keys.high);
  return extent;
}

void Histogram::add(const float* values, size_t count) {
  add(values, count, extent_of(values, count));
}

void Histogram::add(const float* values, size_t count, const NumberExtent& extent) {
  if (extent.nonfinite != 0) {
    nonfinite += extent.nonfinite;
    std::vector<float> finite;
    std::copy_if(values, values + count, std::back_inserter(finite),
                 [](float v) { return std::isfinite(v); });
    return add(finite.data(), finite.size());
  }
  if (count == 0) return;
  if (total == 0 || extent.min < min || extent.max > max) extend(*this, extent.min, extent.max);
  zeros += count < kFew ? tally<1>(values, count, *this) : tally<kTables>(values, count, *this);
  total += static_cast<int64_t>(count);
}

void Histogram::merge(const Histogram& other) {
  nonfinite += other.nonfinite;
  if (other.total == 0) return;
  extend(*this, other.min, other.max);
  const int doublings = exponent - other.exponent;
  for (size_t i = 0; i < other.counts.size(); ++i) {
    if (other.counts[i] == 0) continue;
    counts[static_cast<size_t>(coarser(other.first + static_cast<int>(i), doublings) - first)] +=
        other.counts[i];
  }
  zeros += other.zeros;
  total += other.total;
}

std::string packed(const Histogram& h) {
  std::string bytes;
  const auto put = [&](uint64_t value) {
    for (; value >= 128; value >>= 7) bytes.push_back(static_cast<char>(value | 128));
    bytes.push_back(static_cast<char>(value));
  };
  const auto put_float = [&](float value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  put(static_cast<uint64_t>(h.exponent - Histogram::kFinestExponent));
  put(static_cast<uint64_t>(-h.first));
  put(static_cast<uint64_t>(h.zeros));
  put(static_cast<uint64_t>(h.nonfinite));
  put_float(h.min);
  put_float(h.max);
  put(h.counts.size());
  for (const int64_t count : h.counts) put(static_cast<uint64_t>(count));
  return bytes;
}

std::optional<Histogram> unpacked(std::string_view& bytes) {
  bool sound = true;
  const auto take = [&](uint64_t most) {
    uint64_t value = 0;
    for (int shift = 0; sound; shift += 7) {
      sound = shift < 63 && !bytes.empty();
      if (!sound) break;
      const auto byte = static_cast<unsigned char>(bytes[0]);
      bytes.remove_prefix(1);
      value |= uint64_t{byte & 127U} << shift;
      if (byte < 128) break;
    }
    sound = sound && value <= most;
    return sound ? static_cast<int64_t>(value) : 0;
  };
  const auto take_float = [&] {
    float value = 0;
    sound = sound && bytes.size() >= sizeof value;
    if (!sound) return value;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes.remove_prefix(sizeof value);
    return value;
  };
  constexpr uint64_t kMost = uint64_t{1} << 50;
  Histogram h;
  h.exponent = Histogram::kFinestExponent + static_cast<int>(take(227));
  h.first = -static_cast<int>(take(Histogram::kMaxBins));
  h.zeros = take(kMost);
  h.nonfinite = take(kMost);
  h.min = take_float();
  h.max = take_float();
  h.counts.resize(static_cast<size_t>(take(Histogram::kMaxBins)));
  for (int64_t& count : h.counts) h.total += count = take(kMost);
  if (!sound || !is_sound(h)) return std::nullopt;
  return h;
}

bool is_sound(const Histogram& h) {
  if (h.counts.empty()) return h.total == 0 && h.zeros == 0;
  if (!std::isfinite(h.min) || !std::isfinite(h.max) || h.min > h.max) return false;
  if (h.exponent != exponent_for(h.min, h.max)) return false;
  const int first = bin_of(std::min(0.0F, h.min), h.exponent);
  const int last = bin_of(std::max(0.0F, h.max), h.exponent);
  return h.first == first && h.counts.size() == static_cast<size_t>(last - first + 1) &&
         h.zeros >= 0 && h.zeros <= h.counts[static_cast<size_t>(-first)];
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
