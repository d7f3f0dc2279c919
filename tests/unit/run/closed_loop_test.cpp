#include "run/closed_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/error.h"

namespace fpcls {
namespace {

void rest(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

TEST(WindowsAgree, WantsTheLastThreeWithinFivePercent) {
  EXPECT_FALSE(windows_agree({}));
  EXPECT_FALSE(windows_agree({100, 100}));
  EXPECT_TRUE(windows_agree({100, 102, 105}));
  EXPECT_FALSE(windows_agree({100, 102, 105.1}));
  EXPECT_TRUE(windows_agree({10, 100, 102, 105}));
  EXPECT_FALSE(windows_agree({0, 0, 0}));
}

TEST(ClosedLoop, CountsNothingOfTheWarmUp) {
  std::atomic<int> calls{0};
  const LoopPlan plan{1, 0, 2, 5, 0.02, 4};
  const LoopResult result = run_closed_loop(plan, [&](int, int64_t number) {
    ++calls;
    rest(number < 5 ? 40 : 2);
  });
  ASSERT_FALSE(result.latencies_ms.empty());
  EXPECT_LT(result.latencies_ms.back(), 40);
  EXPECT_GE(result.latencies_ms.front(), 2);
  EXPECT_LE(result.latencies_ms.size() + 5, static_cast<size_t>(calls));
  EXPECT_GT(result.images_per_second, 0);
  EXPECT_LE(result.images_per_second, 2 / 0.002);
}

TEST(ClosedLoop, NeverRunsMoreCallsThanThereAreWorkers) {
  std::atomic<int> running{0}, most{0};
  const LoopPlan plan{2, 5, 1, 1, 0.02, 3};
  const LoopResult result = run_closed_loop(plan, [&](int, int64_t) {
    const int now = ++running;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    rest(2);
    --running;
  });
  EXPECT_LE(most, 2);
  // Five callers on two workers wait for each other: a call takes at least two turns on average.
  double sum = 0;
  for (const float ms : result.latencies_ms) sum += ms;
  EXPECT_GE(sum / static_cast<double>(result.latencies_ms.size()), 4);
}

TEST(ClosedLoop, EndsAfterAsManyWindowsAsItMay) {
  std::atomic<int> calls{0};
  const LoopPlan plan{1, 0, 1, 1, 0.01, 4};
  const LoopResult result = run_closed_loop(plan, [&](int, int64_t) { rest(++calls % 7); });
  EXPECT_LE(result.windows, 4);
  EXPECT_GE(result.windows, 3);
}

TEST(ClosedLoop, ThrowsWhatACallThrows) {
  const LoopPlan plan{2, 0, 1, 1, 0.01, 3};
  EXPECT_THROW(run_closed_loop(plan, [](int, int64_t number) {
                 if (number == 3) fail("broken");
               }),
               Error);
}

}  // namespace
}  // namespace fpcls
