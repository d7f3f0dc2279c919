#include <algorithm>
#include <cstring>

#include "images/resample.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// A 22-bit weight is split into two of 11 bits, because processors multiply and add pairs of
/// 16-bit numbers in one step, twice as fast as 32-bit ones, and the sum of both parts is still
/// exact.
namespace fpcls {
namespace {

constexpr int kWeightBits = 22;
constexpr int kLowBits = 11;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);
constexpr int kGroupTaps = 4;
/// A group's weights fill two registers: the high parts, then the low parts; in each, four times
/// the pair of taps 0 and 1, then four times that of taps 2 and 3.
constexpr int kGroupValues = 32;

int group_count(const AxisWeights& weights) { return (weights.taps + kGroupTaps - 1) / kGroupTaps; }

void portable_rows(const uint8_t* const rows[4], const AxisWeights& columns,
                   const std::vector<int16_t>&, uint8_t* const targets[4]) {
  for (int r = 0; r < 4 && rows[r] != nullptr; ++r) {
    for (size_t x = 0; x < columns.first.size(); ++x) {
      const uint8_t* from = rows[r] + 3 * columns.first[x];
      const int32_t* weights = &columns.weights[x * static_cast<size_t>(columns.taps)];
      int32_t sums[3] = {kHalf, kHalf, kHalf};
      for (int tap = 0; tap < columns.count[x]; ++tap) {
        for (int channel = 0; channel < 3; ++channel) {
          sums[channel] += weights[tap] * from[3 * tap + channel];
        }
      }
      for (int channel = 0; channel < 3; ++channel) {
        targets[r][3 * x + static_cast<size_t>(channel)] =
            static_cast<uint8_t>(std::clamp(sums[channel] >> kWeightBits, 0, 255));
      }
    }
  }
}

void portable_columns(const uint8_t* rows, int64_t stride, int count, const int32_t* weights,
                      int32_t* sums, int values) {
  for (int r = 0; r < count; ++r) {
    const uint8_t* row = rows + r * stride;
    const int32_t weight = weights[r];
    for (int i = 0; i < values; ++i) sums[i] += weight * row[i];
  }
}

#if defined(__x86_64__)

[[gnu::target("avx2")]] inline __m128i sum_of_parts(__m256i high, __m256i low) {
  const __m256i both = _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low);
  const __m128i sum =
      _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  return _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(kHalf)), kWeightBits);
}

[[gnu::target("avx2")]] void avx2_rows(const uint8_t* const rows[4], const AxisWeights& columns,
                                       const std::vector<int16_t>& packed,
                                       uint8_t* const targets[4]) {
  // Four pixels of R G B to 16-bit pairs of the same channel: taps 0, 1 in the low half, 2, 3 high.
  const __m256i pairs =
      _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                       6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  const int groups = group_count(columns);
  // Where fewer than four rows are left, the first is done again in place of the others.
  const uint8_t* from[4];
  uint8_t* to[4];
  for (int r = 0; r < 4; ++r) {
    from[r] = rows[rows[r] != nullptr ? r : 0];
    to[r] = targets[rows[r] != nullptr ? r : 0];
  }
  const auto* weights = reinterpret_cast<const __m256i*>(packed.data());
  for (size_t x = 0; x < columns.first.size(); ++x) {
    __m256i high[4], low[4];
    for (int r = 0; r < 4; ++r) high[r] = low[r] = _mm256_setzero_si256();
    int64_t offset = int64_t{3} * columns.first[x];
    for (int group = 0; group < groups; ++group, offset += 3 * kGroupTaps, weights += 2) {
      const __m256i high_weights = _mm256_loadu_si256(weights);
      const __m256i low_weights = _mm256_loadu_si256(weights + 1);
      for (int r = 0; r < 4; ++r) {
        const auto* bytes = reinterpret_cast<const __m128i*>(from[r] + offset);
        const __m256i taps =
            _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(bytes)), pairs);
        high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(taps, high_weights));
        low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(taps, low_weights));
      }
    }
    const __m128i first =
        _mm_packs_epi32(sum_of_parts(high[0], low[0]), sum_of_parts(high[1], low[1]));
    const __m128i last =
        _mm_packs_epi32(sum_of_parts(high[2], low[2]), sum_of_parts(high[3], low[3]));
    const __m128i bytes = _mm_packus_epi16(first, last);
    uint32_t pixels[4];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(pixels), bytes);
    for (int r = 0; r < 4; ++r) std::memcpy(to[r] + 3 * x, &pixels[r], 4);
  }
}

/// Adds weights[0] * a + weights[1] * b to 16 sums.
[[gnu::target("avx2")]] inline void add_products(const uint8_t* a, const uint8_t* b,
                                                 __m256i high_weights, __m256i low_weights,
                                                 __m256i high[2], __m256i low[2]) {
  const __m128i from_a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
  const __m128i from_b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
  const __m256i pairs[2] = {_mm256_cvtepu8_epi16(_mm_unpacklo_epi8(from_a, from_b)),
                            _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(from_a, from_b))};
  for (int half = 0; half < 2; ++half) {
    high[half] = _mm256_add_epi32(high[half], _mm256_madd_epi16(pairs[half], high_weights));
    low[half] = _mm256_add_epi32(low[half], _mm256_madd_epi16(pairs[half], low_weights));
  }
}

[[gnu::target("avx2")]] void avx2_columns(const uint8_t* rows, int64_t stride, int count,
                                          const int32_t* weights, int32_t* sums, int values) {
  const int whole = values / 16 * 16;
  for (int i = 0; i < whole; i += 16) {
    __m256i high[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    __m256i low[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int r = 0; r < count; r += 2) {
      const bool pair = r + 1 < count;
      const int32_t a = weights[r];
      const int32_t b = pair ? weights[r + 1] : 0;
      const int32_t low_mask = (1 << kLowBits) - 1;
      const uint8_t* row = rows + r * stride + i;
      add_products(row, pair ? row + stride : row,
                   _mm256_set1_epi32((b >> kLowBits) << 16 | a >> kLowBits),
                   _mm256_set1_epi32((b & low_mask) << 16 | (a & low_mask)), high, low);
    }
    for (int half = 0; half < 2; ++half) {
      auto* target = reinterpret_cast<__m256i*>(sums + i + 8 * half);
      const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high[half], kLowBits), low[half]);
      _mm256_storeu_si256(target, _mm256_add_epi32(_mm256_loadu_si256(target), sum));
    }
  }
  portable_columns(rows + whole, stride, count, weights, sums + whole, values - whole);
}

#endif

}  // namespace

std::vector<int16_t> pack_weights(const AxisWeights& weights) {
  const int groups = group_count(weights);
  std::vector<int16_t> packed(weights.first.size() * static_cast<size_t>(groups * kGroupValues));
  int16_t* target = packed.data();
  for (size_t x = 0; x < weights.first.size(); ++x) {
    for (int group = 0; group < groups; ++group, target += kGroupValues) {
      for (int i = 0; i < kGroupValues / 2; ++i) {
        const int tap = group * kGroupTaps + (i >= 8 ? 2 : 0) + i % 2;
        if (tap >= weights.taps) continue;
        const int32_t weight =
            weights.weights[x * static_cast<size_t>(weights.taps) + static_cast<size_t>(tap)];
        target[i] = static_cast<int16_t>(weight >> kLowBits);
        target[i + kGroupValues / 2] = static_cast<int16_t>(weight & ((1 << kLowBits) - 1));
      }
    }
  }
  return packed;
}

int64_t row_reach_bytes(const AxisWeights& weights) {
  const int last = *std::max_element(weights.first.begin(), weights.first.end());
  return int64_t{3} * (last + kGroupTaps * group_count(weights)) + 4;
}

ResampleKernels portable_kernels() { return {portable_rows, portable_columns}; }

ResampleKernels best_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return {avx2_rows, avx2_columns};
#endif
  return portable_kernels();
}

}  // namespace fpcls
