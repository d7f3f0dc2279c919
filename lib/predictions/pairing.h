#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "predictions/store.h"

/// The same pictures in two runs, found by their content: files may have been renamed, moved or
/// listed in another order. Streams both sides in flat memory.
namespace fpcls {

/// Gives the predictions of one run in the order of keys, into storage that is used again; false at
/// the end.
using SortedSource = std::function<bool(Prediction&)>;

enum class PairBy {
  content,  ///< SHA-256; the k-th occurrence of a picture goes with the k-th, in order of paths
  path,     ///< for predictions that don't tell the content
};

/// What two lists of pictures have in common.
struct PairingCounts {
  int64_t paired = 0;
  int64_t base_only = 0, candidate_only = 0;
  std::string first_base_only, first_candidate_only;  ///< paths; empty: none
  /// Files that couldn't be read, so that their content isn't known; `content` only.
  int64_t base_unread = 0, candidate_unread = 0;
};

/// Calls `use` with each pair. Both sources are sorted as `RowOrder::content` or `path`.
PairingCounts for_each_pair(
    const SortedSource& base, const SortedSource& candidate, PairBy by,
    const std::function<void(const Prediction& base, const Prediction& candidate)>& use);

}  // namespace fpcls
