#include "engine/fuse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

std::vector<int> results_of(const std::vector<FusedStep>& steps) {
  std::vector<int> results;
  for (const FusedStep& step : steps) results.push_back(step.result);
  return results;
}

TEST(Fuse, MakesOneStepOfConvolutionNormAndActivation) {
  GraphMaker make({1, 3, 8, 8}, 1);
  const int act = make.add(Op::relu, {make.batch_norm(make.conv(0, 4, {3, 3}))});
  make.add(Op::adaptive_avg_pool, {act}, AdaptivePoolAttributes{{1, 1}});
  const auto steps = fuse(make.graph());
  EXPECT_THAT(results_of(steps), testing::ElementsAre(3, 4));
  EXPECT_EQ(steps[0].anchor, 1);
  EXPECT_EQ(steps[0].norm, 2);
  ASSERT_EQ(steps[0].epilogue.size(), 1u);
  EXPECT_EQ(steps[0].epilogue[0].node, 3);
}

TEST(Fuse, AddsTheShortcutInTheLaterConvolution) {
  GraphMaker make({1, 4, 8, 8}, 1);
  const int a = make.conv(0, 4, {1, 1});
  const int b = make.conv(0, 4, {1, 1});
  const int sum = make.add(Op::add, {b, a});
  make.add(Op::relu, {sum});
  const auto steps = fuse(make.graph());
  EXPECT_THAT(results_of(steps), testing::ElementsAre(1, 4));
  EXPECT_THAT(steps[1].reads(), testing::ElementsAre(0, 1));
}

TEST(Fuse, KeepsAResultThatTwoRead) {
  GraphMaker make({1, 4, 8, 8}, 1);
  const int a = make.conv(0, 4, {1, 1});
  const int act = make.add(Op::relu, {a});
  make.add(Op::add, {a, act});
  EXPECT_THAT(results_of(fuse(make.graph())), testing::ElementsAre(1, 2, 3));
}

TEST(Fuse, KeepsTheOutputEvenWhereSomethingFollows) {
  GraphMaker make({1, 4, 8, 8}, 1);
  const int a = make.conv(0, 4, {1, 1});
  make.add(Op::relu, {a});
  EXPECT_THAT(results_of(fuse(make.graph(a))), testing::ElementsAre(1));
}

TEST(Fuse, AddsNothingToItselfInPlace) {
  GraphMaker make({1, 4, 8, 8}, 1);
  const int a = make.conv(0, 4, {1, 1});
  make.add(Op::add, {a, a});
  EXPECT_THAT(results_of(fuse(make.graph())), testing::ElementsAre(1, 2));
}

TEST(Fuse, GivesEveryStepItsInputsBeforeIt) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Graph graph = small_resnet(2, seed);
    std::set<int> known{0};
    for (const FusedStep& step : fuse(graph)) {
      for (const int node : step.reads()) EXPECT_TRUE(known.count(node)) << node;
      known.insert(step.result);
    }
    EXPECT_TRUE(known.count(graph.outputs()[0].node));
  }
}

}  // namespace
}  // namespace fpcls
