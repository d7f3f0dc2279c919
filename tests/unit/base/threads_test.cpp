#include "base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>

#include "base/error.h"

namespace fpcls {
namespace {

TEST(RunWorkers, CallsEachOnceAndWaitsForAll) {
  std::atomic<int> sum{0};
  run_workers(5, [&](int i) { sum += i; });
  EXPECT_EQ(sum, 10);
}

TEST(RunWorkers, ThrowsAgainWhatAWorkerThrew) {
  EXPECT_THROW(run_workers(3,
                           [](int i) {
                             if (i == 1) fail("no");
                           }),
               Error);
}

TEST(RunWorkers, FlushesDenormals) {
  volatile float tiny = std::numeric_limits<float>::min();
  float result = 1;
  run_workers(1, [&](int) { result = tiny / 2; });
  EXPECT_EQ(result, 0);
}

TEST(UsableCores, IsAtLeastOne) { EXPECT_GE(usable_cores(), 1); }

}  // namespace
}  // namespace fpcls
