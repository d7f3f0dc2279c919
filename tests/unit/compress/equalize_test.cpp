#include "compress/equalize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "reference/graph/naive_ops.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

/// Convolutions of all kinds with ReLU, leaky ReLU, nothing and hardswish between.
Graph network(uint64_t seed) {
  GraphMaker make({1, 3, 9, 8}, seed);
  const ConvAttributes around{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  ConvAttributes depthwise = around, grouped = around;
  depthwise.groups = 12;
  grouped.groups = 3;
  int node = make.add(Op::relu, {make.conv(0, 12, {3, 3}, around)});
  node = make.add(Op::leaky_relu, {make.conv(node, 12, {3, 3}, depthwise)}, LeakyAttributes{0.1});
  node = make.conv(node, 9, {1, 1}, {}, make.random().chance(0.5));
  node = make.conv(node, 6, {3, 3}, grouped);
  node = make.add(Op::hardswish, {node});
  make.conv(node, 4, {1, 1});
  return make.graph();
}

ChannelSizes sizes_of(const Graph& graph, int node, const Tensor& x) {
  const naive::Array result = naive::run(graph, x)[static_cast<size_t>(node)];
  ChannelSizes sizes;
  sizes.add(Tensor::from(result.shape,
                         std::vector<float>(result.values.begin(), result.values.end())));
  return sizes;
}

/// One channel of a pair a thousand times as large, and taken back by the second layer.
Graph sabotaged(const Graph& graph, const ScalablePair& pair, int64_t channel) {
  const int64_t channels = graph.shape(pair.first)[1];
  std::vector<float> factors(static_cast<size_t>(channels), 1.0F);
  factors[static_cast<size_t>(channel)] = 1.0F / 1024;
  return scaled_pair(graph, pair, factors);
}

TEST(Equalize, FindsPairsWhoseChannelsOneLayerAloneReads) {
  const Graph graph = network(1);
  const std::vector<ScalablePair> pairs = scalable_pairs(graph);
  ASSERT_EQ(pairs.size(), 3U);  // hardswish isn't homogeneous
  EXPECT_EQ(graph.node(pairs[0].result).op, Op::relu);
  EXPECT_EQ(graph.node(pairs[1].result).op, Op::leaky_relu);
  EXPECT_EQ(pairs[2].result, pairs[2].first);
}

TEST(Equalize, LeavesWhatIsReadTwiceOrIsTheOutput) {
  GraphMaker make({1, 3, 6, 6}, 2);
  const int a = make.conv(0, 4, {1, 1});
  const int b = make.conv(a, 4, {1, 1});
  make.add(Op::add, {a, b});
  EXPECT_TRUE(scalable_pairs(make.graph()).empty());
  GraphMaker other({1, 3, 6, 6}, 2);
  const int first = other.conv(0, 4, {1, 1});
  other.conv(first, 4, {1, 1});
  EXPECT_EQ(scalable_pairs(other.graph()).size(), 1U);
  EXPECT_TRUE(scalable_pairs(other.graph(first)).empty());
}

TEST(Equalize, ScalingByPowersOfTwoChangesNoBitOfWhatIsComputed) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const Graph graph = network(seed);
    GraphMaker make(graph.input_shape(), seed + 50);
    const Tensor x = make.random_tensor({2, 3, 9, 8});
    const auto before = naive::run(graph, x);
    Graph scaled = graph;
    for (const ScalablePair& pair : scalable_pairs(graph)) {
      std::vector<float> factors;
      for (int64_t c = 0; c < graph.shape(pair.first)[1]; ++c) {
        factors.push_back(std::exp2(static_cast<float>(make.random().between(-12, 12))));
      }
      scaled = scaled_pair(scaled, pair, factors);
    }
    const auto after = naive::run(scaled, x);
    ASSERT_EQ(after.back().values, before.back().values) << seed;
  }
}

TEST(Equalize, FindsAChannelThatIsMuchLargerThanTheOthers) {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const Graph sound = network(seed);
    const Tensor x = GraphMaker(sound.input_shape(), seed + 80).random_tensor({4, 3, 9, 8});
    for (const ScalablePair& pair : scalable_pairs(sound)) {
      const Graph graph = sabotaged(sound, pair, 2);
      const Node& second = graph.node(pair.second);
      const ChannelSizes sizes = sizes_of(graph, pair.result, x);
      const ChannelFactors chosen = choose_factors(second, sizes);
      if (sizes.largest()[2] < 100) continue;  // the channel never fired
      EXPECT_GT(chosen.gain_db, 15) << seed;
      for (const float factor : chosen.factors) {
        EXPECT_EQ(std::exp2(std::round(std::log2(factor))), factor);
      }
      const Graph equal = scaled_pair(graph, pair, chosen.factors);
      EXPECT_EQ(naive::run(equal, x).back().values, naive::run(sound, x).back().values);
    }
  }
}

TEST(Equalize, GainsNothingTwice) {
  const Graph graph = network(3);
  const ScalablePair pair = scalable_pairs(graph)[0];
  const Tensor x = GraphMaker(graph.input_shape(), 4).random_tensor({4, 3, 9, 8});
  const Graph worse = sabotaged(graph, pair, 1);
  const ChannelFactors once =
      choose_factors(worse.node(pair.second), sizes_of(worse, pair.result, x));
  const Graph better = scaled_pair(worse, pair, once.factors);
  const ChannelFactors again =
      choose_factors(better.node(pair.second), sizes_of(better, pair.result, x));
  EXPECT_LT(again.gain_db, 3);
}

TEST(Equalize, LeavesChannelsThatNeverFire) {
  const Graph graph = network(5);
  const ScalablePair pair = scalable_pairs(graph)[0];
  ChannelSizes silent;
  silent.add(Tensor::from<float>({1, 12, 1, 1}, std::vector<float>(12)));
  const ChannelFactors chosen = choose_factors(graph.node(pair.second), silent);
  EXPECT_EQ(chosen.gain_db, 0);
  EXPECT_THAT(chosen.factors, testing::Each(1.0F));
}

TEST(Equalize, SizesOfPartsAreThoseOfTheWhole) {
  GraphMaker make({1, 3, 4, 4}, 6);
  const Tensor a = make.random_tensor({2, 3, 4, 4}), b = make.random_tensor({1, 3, 4, 4});
  ChannelSizes all, first, second;
  all.add(a);
  all.add(b);
  first.add(a);
  second.add(b);
  first.merge(second);
  first.merge(ChannelSizes());
  EXPECT_EQ(first.largest(), all.largest());
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(first.mean_squares()[c], all.mean_squares()[c], 1e-12);
  }
}

}  // namespace
}  // namespace fpcls
