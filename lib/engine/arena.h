#pragma once

#include <cstdint>
#include <vector>

/// One block of memory for all intermediate results: two may share bytes when they are never alive
/// together.
namespace fpcls {

/// A stretch of memory that is needed from one launch to another, both included.
struct Lifetime {
  int64_t bytes = 0;
  int first = 0;
  int last = 0;
};

struct ArenaLayout {
  std::vector<int64_t> offsets;  ///< in bytes, multiples of `kArenaAlignment`
  int64_t bytes = 0;             ///< of the whole block
};

/// A cache line, and the longest vector.
constexpr int64_t kArenaAlignment = 64;

/// Places every lifetime, the largest first, each at the lowest offset where it overlaps nothing
/// that is alive at the same time. (Pisarchyk and Lee 2020, "greedy by size".)
ArenaLayout lay_out(const std::vector<Lifetime>& lifetimes);

}  // namespace fpcls
