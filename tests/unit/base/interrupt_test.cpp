#include "base/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>

namespace fpcls {
namespace {

TEST(Interrupt, IsNotedOnceWhileWatchedFor) {
  {
    const InterruptWatch watch;
    EXPECT_FALSE(InterruptWatch::asked());
    std::raise(SIGINT);
    EXPECT_TRUE(InterruptWatch::asked());
  }
  const InterruptWatch again;
  EXPECT_FALSE(InterruptWatch::asked());
}

TEST(InterruptDeathTest, EndsTheProcessTheSecondTime) {
  EXPECT_EXIT(
      {
        const InterruptWatch watch;
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace fpcls
