#include "tune/picture_work.h"

#include <gmock/gmock.h>

#include <vector>

namespace fpcls {
namespace {

/// Which pictures of `count` a spread of `wanted` reads, in its order.
std::vector<int64_t> read_of(int64_t count, int64_t wanted) {
  std::vector<int64_t> read;
  const InputSource all{count,
                        [&](int64_t i) {
                          read.push_back(i);
                          return Tensor();
                        },
                        {}};
  const InputSource some = spread(all, wanted);
  for (int64_t i = 0; i < some.count; ++i) some.read(i);
  return read;
}

TEST(Spread, TakesPicturesFromTheWholeList) {
  EXPECT_THAT(read_of(10, 3), testing::ElementsAre(0, 3, 6));
  EXPECT_THAT(read_of(1000, 4), testing::ElementsAre(0, 250, 500, 750));
}

TEST(Spread, TakesEachOfFewPicturesOnce) {
  EXPECT_THAT(read_of(3, 8), testing::ElementsAre(0, 1, 2));
  EXPECT_THAT(read_of(0, 8), testing::IsEmpty());
}

}  // namespace
}  // namespace fpcls
