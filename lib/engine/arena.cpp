#include "engine/arena.h"

#include <algorithm>
#include <numeric>

namespace fpcls {
namespace {

int64_t aligned(int64_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

}  // namespace

ArenaLayout lay_out(const std::vector<Lifetime>& lifetimes) {
  std::vector<size_t> by_size(lifetimes.size());
  std::iota(by_size.begin(), by_size.end(), size_t{0});
  std::stable_sort(by_size.begin(), by_size.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  ArenaLayout layout{std::vector<int64_t>(lifetimes.size()), 0};
  std::vector<size_t> placed;  // by offset
  for (const size_t i : by_size) {
    const Lifetime& wanted = lifetimes[i];
    int64_t offset = 0;
    for (const size_t other : placed) {
      const Lifetime& there = lifetimes[other];
      if (there.last < wanted.first || wanted.last < there.first) continue;
      if (layout.offsets[other] >= offset + aligned(wanted.bytes)) break;
      offset = std::max(offset, layout.offsets[other] + aligned(there.bytes));
    }
    layout.offsets[i] = offset;
    layout.bytes = std::max(layout.bytes, offset + aligned(wanted.bytes));
    const auto after = std::upper_bound(
        placed.begin(), placed.end(), offset,
        [&](int64_t value, size_t other) { return value < layout.offsets[other]; });
    placed.insert(after, i);
  }
  return layout;
}

}  // namespace fpcls
