#include "images/near_copies.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace fpcls {
namespace {

/// Bits by which hashes of candidates may differ. Quarters of 16 bits are looked up with up to
/// kQuarterBits wrong: of 11 wrong bits some quarter holds at most 2.
constexpr int kHashBits = 11;
constexpr int kQuarterBits = 2;
constexpr size_t kQuarters = 4;
static_assert(kHashBits < static_cast<int>(kQuarters) * (kQuarterBits + 1));

int bits_between(uint64_t a, uint64_t b) { return __builtin_popcountll(a ^ b); }

/// All 16-bit numbers with at most kQuarterBits bits.
std::vector<uint16_t> quarter_flips() {
  std::vector<uint16_t> flips;
  for (uint32_t bits = 0; bits < 1U << 16; ++bits) {
    if (__builtin_popcount(bits) <= kQuarterBits) flips.push_back(static_cast<uint16_t>(bits));
  }
  return flips;
}

}  // namespace

struct NearCopyIndex::Impl {
  struct Entry {
    uint32_t picture;
    uint32_t part;
  };
  NearCopyOptions options;
  std::vector<Fingerprint> pictures;
  std::unordered_map<std::string, int64_t> by_file;
  /// Lists of entries, by quarter and the quarter's value.
  std::array<std::vector<std::vector<Entry>>, kQuarters> quarters;

  std::vector<uint32_t> candidates(const Fingerprint& picture, int64_t first) const;
};

NearCopyIndex::NearCopyIndex(const NearCopyOptions& options) : impl_(std::make_unique<Impl>()) {
  impl_->options = options;
  for (auto& lists : impl_->quarters) lists.resize(size_t{1} << 16);
}
NearCopyIndex::~NearCopyIndex() = default;
NearCopyIndex::NearCopyIndex(NearCopyIndex&&) noexcept = default;

int64_t NearCopyIndex::size() const { return static_cast<int64_t>(impl_->pictures.size()); }

const Fingerprint& NearCopyIndex::picture(int64_t index) const {
  FPCLS_CHECK(index >= 0 && index < size());
  return impl_->pictures[static_cast<size_t>(index)];
}

int64_t NearCopyIndex::add(Fingerprint added) {
  const int64_t index = size();
  impl_->pictures.push_back(std::move(added));
  const Fingerprint& picture = impl_->pictures.back();
  if (!picture.sha256.empty()) impl_->by_file.try_emplace(picture.sha256, index);
  for (size_t part = 0; part < picture.hashes.size(); ++part) {
    for (size_t quarter = 0; quarter < kQuarters; ++quarter) {
      const auto value = static_cast<uint16_t>(picture.hashes[part] >> (16 * quarter));
      impl_->quarters[quarter][value].push_back(
          {static_cast<uint32_t>(index), static_cast<uint32_t>(part)});
    }
  }
  return index;
}

std::vector<uint32_t> NearCopyIndex::Impl::candidates(const Fingerprint& picture, int64_t first) const {
  static const std::vector<uint16_t> kFlips = quarter_flips();
  std::vector<uint32_t> found;
  for (const uint64_t hash : picture.hashes) {
    for (size_t quarter = 0; quarter < kQuarters; ++quarter) {
      const auto value = static_cast<uint16_t>(hash >> (16 * quarter));
      for (const uint16_t flip : kFlips) {
        for (const Entry& entry : quarters[quarter][value ^ flip]) {
          if (entry.picture < first) continue;
          const uint64_t other = pictures[entry.picture].hashes[entry.part];
          if (bits_between(hash, other) <= kHashBits) found.push_back(entry.picture);
        }
      }
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<CopyMatch> NearCopyIndex::find_all(const Fingerprint& picture, int64_t first) const {
  std::vector<CopyMatch> matches;
  if (impl_->options.min_likeness > 1) {
    const auto same = impl_->by_file.find(picture.sha256);
    if (same != impl_->by_file.end() && same->second >= first) matches.push_back({same->second, true, 1});
    return matches;
  }
  for (const uint32_t index : impl_->candidates(picture, first)) {
    const Fingerprint& other = impl_->pictures[index];
    const bool same_file = !picture.sha256.empty() && picture.sha256 == other.sha256;
    const double like = same_file ? 1 : likeness(other, picture);
    if (like >= impl_->options.min_likeness) matches.push_back({index, same_file, like});
  }
  std::stable_sort(matches.begin(), matches.end(), [](const CopyMatch& a, const CopyMatch& b) {
    return a.same_file != b.same_file ? a.same_file : a.likeness > b.likeness;
  });
  return matches;
}

std::optional<CopyMatch> NearCopyIndex::find(const Fingerprint& picture, int64_t first) const {
  if (!picture.sha256.empty()) {
    const auto same = impl_->by_file.find(picture.sha256);
    if (same != impl_->by_file.end() && same->second >= first) {
      return CopyMatch{same->second, true, 1};
    }
  }
  const std::vector<CopyMatch> matches = find_all(picture, first);
  return matches.empty() ? std::nullopt : std::optional(matches.front());
}

}  // namespace fpcls
