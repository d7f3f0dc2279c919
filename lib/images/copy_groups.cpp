#include "images/copy_groups.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/error.h"
#include "base/progress.h"
#include "base/threads.h"

namespace fpcls {
namespace {

/// Pictures compared with what is kept at once; among each other they are compared in order.
constexpr size_t kTogether = 512;

/// Whether `a` goes before `b`: the same file, then the likest; the earlier of equals is `a`.
bool at_least_as_like(const CopyMatch& a, const CopyMatch& b) {
  return a.same_file != b.same_file ? a.same_file : a.likeness >= b.likeness;
}

struct Found {
  std::optional<CopyMatch> held, kept;
};

}  // namespace

std::vector<std::optional<CopyOf>> find_copies(const std::vector<Fingerprint>& pictures,
                                               const std::vector<int64_t>& order,
                                               const NearCopyIndex* held,
                                               const NearCopyOptions& options, int workers,
                                               bool quiet) {
  FPCLS_CHECK(order.size() == pictures.size());
  std::vector<std::optional<CopyOf>> result(pictures.size());
  NearCopyIndex index(options);
  std::vector<int64_t> kept;  // by number in the index
  Progress progress("comparing", "pictures", static_cast<int64_t>(order.size()), quiet);
  for (size_t begin = 0; begin < order.size(); begin += kTogether) {
    const size_t count = std::min(kTogether, order.size() - begin);
    std::vector<Found> found(count);
    std::atomic<size_t> next{0};
    run_workers(workers > 0 ? workers : usable_cores(), [&](int) {
      for (size_t i = next++; i < count; i = next++) {
        const Fingerprint& picture = pictures[static_cast<size_t>(order[begin + i])];
        if (held != nullptr) found[i].held = held->find(picture);
        if (!found[i].held) found[i].kept = index.find(picture);
        progress.advance();
      }
    });
    const int64_t known = index.size();
    for (size_t i = 0; i < count; ++i) {
      const int64_t at = order[begin + i];
      const Fingerprint& picture = pictures[static_cast<size_t>(at)];
      auto& copy = result[static_cast<size_t>(at)];
      if (found[i].held) {
        copy = CopyOf{found[i].held->index, true, *found[i].held};
        continue;
      }
      std::optional<CopyMatch> match = found[i].kept;
      if (const auto late = index.find(picture, known)) {
        if (!match || !at_least_as_like(*match, *late)) match = late;
      }
      if (match) {
        copy = CopyOf{kept[static_cast<size_t>(match->index)], false, *match};
        continue;
      }
      kept.push_back(at);
      index.add(picture);
    }
  }
  return result;
}

}  // namespace fpcls
