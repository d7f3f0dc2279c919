#include "tune/objective.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace fpcls {
namespace {

std::string error_of(const std::string& text) {
  try {
    parse_objective(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Objective, WeighsWhatIsNamed) {
  const Objective o = parse_objective("time=0.5,error=2");
  EXPECT_DOUBLE_EQ(o.error, 2);
  EXPECT_DOUBLE_EQ(o.time, 0.5);
  EXPECT_DOUBLE_EQ(o.size, 0);
  EXPECT_DOUBLE_EQ(cost_of(o, 3, 0.25, 0.9), 2 * 3 + 0.5 * 25);
}

TEST(Objective, PrefersWhatIsBetterInWhatCounts) {
  const Objective error = parse_objective("error=1"), time = parse_objective("time=1");
  EXPECT_LT(cost_of(error, 1, 0.9, 0.9), cost_of(error, 2, 0.1, 0.1));
  EXPECT_GT(cost_of(time, 1, 0.9, 0.9), cost_of(time, 2, 0.1, 0.1));
}

TEST(Objective, RefusesWhatIsNoWeight) {
  for (const char* text : {"speed=1", "error", "error=", "error=x", "error=-1", "error=nan",
                           "error=inf", "error=1,,time=1", "error=1 ", "error=1,time"}) {
    EXPECT_THAT(error_of(text), testing::HasSubstr("isn't one of error, time and size")) << text;
  }
  for (const char* text : {"", "error=0,time=0"}) {
    EXPECT_THAT(error_of(text), testing::HasSubstr("every weight is 0")) << text;
  }
}

}  // namespace
}  // namespace fpcls
