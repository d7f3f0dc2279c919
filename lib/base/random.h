#pragma once

#include <cstdint>
#include <random>
#include <vector>

/// Random numbers that are the same on every machine: the engine is the standard's 64-bit Mersenne
/// twister, and the distributions, which the standard leaves to each library, are defined here.
namespace fpcls {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  uint64_t bits() { return engine_(); }
  /// Uniform in [0, 1), 53 random bits.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform integer in [0, count); count > 0. The bias, below count / 2^64, is of no account.
  int64_t below(int64_t count) {
    return static_cast<int64_t>((static_cast<unsigned __int128>(engine_()) * count) >> 64);
  }
  /// Uniform integer in [low, high].
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }
  bool chance(double probability) { return uniform() < probability; }
  /// Standard normal, by Box and Muller 1958.
  double normal();

  /// Fisher and Yates.
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i > 1; --i) {
      std::swap(values[i - 1], values[static_cast<size_t>(below(static_cast<int64_t>(i)))]);
    }
  }

 private:
  std::mt19937_64 engine_;
};

/// A seed for the `index`-th independent part of what `seed` seeds (SplitMix64, Steele et al.
/// 2014).
uint64_t derive_seed(uint64_t seed, uint64_t index);

}  // namespace fpcls
