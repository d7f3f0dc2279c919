#include "base/allocation.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "base/process.h"

namespace fpcls {
namespace {

constexpr int64_t kMB = 1 << 20;

void take_and_free_256_mb() {
  std::vector<std::vector<char>> buffers;
  for (int i = 0; i < 16; ++i) buffers.emplace_back(16 * kMB, 'x');
}

TEST(KeptBuffers, KeepsWhatIsFreedUntilItEnds) {
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "another allocator than glibc's";
#endif
  return_large_buffers();
  const int64_t before = resident_bytes();
  take_and_free_256_mb();
  EXPECT_LT(resident_bytes(), before + 50 * kMB);
  std::optional<KeptBuffers> kept(std::in_place);
  {
    const KeptBuffers inner;
    take_and_free_256_mb();
  }
  EXPECT_GT(resident_bytes(), before + 200 * kMB);
  take_and_free_256_mb();  // the same memory again
  EXPECT_LT(resident_bytes(), before + 300 * kMB);
  kept.reset();
  EXPECT_LT(resident_bytes(), before + 50 * kMB);
  take_and_free_256_mb();
  EXPECT_LT(resident_bytes(), before + 50 * kMB);
}

TEST(PeakResidentBytes, IsTheMostThatWasResident) {
  const int64_t before = resident_bytes();
  { const std::vector<char> buffer(300 * kMB, 'x'); }
  EXPECT_GE(peak_resident_bytes(), before + 290 * kMB);
  EXPECT_GE(peak_resident_bytes(), resident_bytes());
}

}  // namespace
}  // namespace fpcls
