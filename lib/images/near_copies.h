#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "images/fingerprint.h"

/// Finds copies and near copies among many pictures without comparing each with each.
///
/// Two pictures are *copies* when their files are the same (SHA-256), *near copies* when the one,
/// moved and stretched a little, is like the other: `likeness` says how much. Candidates for that
/// comparison come from perceptual hashes that differ in few bits, found by looking up their
/// quarters (Norouzi, Punjani and Fleet 2012); the comparison then decides, because plain hashes
/// take one line drawing for another.
///
///     NearCopyIndex seen;
///     for (const Fingerprint& picture : pictures) {
///       if (seen.find(picture)) continue;  // a copy of one that was kept
///       seen.add(picture);
///       keep(picture);
///     }
namespace fpcls {

struct NearCopyOptions {
  /// Smallest likeness of near copies, in 0..1. Above 1: only same files.
  double min_likeness = 0.85;
};

struct CopyMatch {
  int64_t index = 0;  ///< as `add` returned it
  bool same_file = false;
  double likeness = 0;  ///< 1 for the same file
};

/// Keeps a fingerprint of 2.5 kB for each picture. `find` and `find_all` may be called by
/// many threads at once as long as nobody calls `add`.
class NearCopyIndex {
 public:
  explicit NearCopyIndex(const NearCopyOptions& options = {});
  ~NearCopyIndex();
  NearCopyIndex(NearCopyIndex&&) noexcept;

  /// Returns its number, from 0 on.
  int64_t add(Fingerprint picture);
  int64_t size() const;
  const Fingerprint& picture(int64_t index) const;

  /// The picture that is most like this one, if any is a copy or near copy; the same file goes
  /// before all, then the first of equals.
  /// Only those numbered `first` or more.
  std::optional<CopyMatch> find(const Fingerprint& picture, int64_t first = 0) const;
  /// All of them, the likest first.
  std::vector<CopyMatch> find_all(const Fingerprint& picture, int64_t first = 0) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// How alike two pictures are, in 0..1: the correlation of their details once the one is laid on
/// the other as well as a shift and a stretch of up to 12 % of each side allow. Light and contrast
/// don't count. Symmetric but for rounding. Two pictures without any detail are alike (1) when
/// their grey differs by at most 16 of 255, and not at all (0) otherwise.
double likeness(const Fingerprint& a, const Fingerprint& b);

}  // namespace fpcls
