#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "images/near_copies.h"

/// Which pictures of a list to keep, and of which kept one each other is a copy.
namespace fpcls {

struct CopyOf {
  int64_t kept = 0;      ///< index of the picture that it is a copy of
  bool held = false;     ///< `kept` counts the held pictures, not the list's
  CopyMatch match;       ///< `match.index` is of no use here
};

/// Goes through `pictures` in `order` (each index once, those to be kept rather first). A picture
/// that is like a held one, or like one kept before, is a copy of the likest; all others are kept
/// and have nothing in the result. So whatever is dropped is like the very picture that stays for
/// it, never only like a copy of a copy. `held` (a test set, say) may be null; its pictures go
/// before. The result is the same for any number of `workers`.
std::vector<std::optional<CopyOf>> find_copies(const std::vector<Fingerprint>& pictures,
                                               const std::vector<int64_t>& order,
                                               const NearCopyIndex* held,
                                               const NearCopyOptions& options, int workers,
                                               bool quiet);

}  // namespace fpcls
