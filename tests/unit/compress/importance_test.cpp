#include "compress/importance.h"

#include <gmock/gmock.h>

#include <numeric>

#include "unit/graph/networks.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

const std::vector<Importance> kFromWeights{Importance::l2, Importance::l1, Importance::batch_norm};

/// conv {2 channels} - batch norm - linear {1}: filters 1, 3; scales 2, -1; linear 0.5, 2.
Graph known_network() {
  GraphMaker make({1, 1, 1, 1}, 1);
  int x = make.conv(0, 2, {1, 1}, {}, false);
  make.node(x).weights["weight"] = Tensor::from<float>({2, 1, 1, 1}, {1, 3});
  x = make.batch_norm(x);
  make.node(x).weights["weight"] = Tensor::from<float>({2}, {2, -1});
  x = make.linear(make.add(Op::flatten, {x}, AxisAttributes{1}), 1);
  make.node(x).weights["weight"] = Tensor::from<float>({1, 2}, {0.5, 2});
  return make.graph();
}

/// The graph with every weight replaced by `value`.
Graph filled(const Graph& graph, float value) {
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes) {
    for (auto& [key, weight] : node.weights) {
      weight = Tensor::from(weight.shape(),
                            std::vector<float>(static_cast<size_t>(weight.count()), value));
    }
  }
  return graph.with_nodes(std::move(nodes));
}

std::vector<double> importance_of(const Graph& graph, Importance importance) {
  return unit_importance(graph, find_channel_groups(graph), importance);
}

TEST(UnitImportance, IsTheMeanOverAllThatGoesWithAChannel) {
  // Channel 0: 1, 4, 0.25 squared; channel 1: 9, 1, 4. Means 1.75 and 4.6667.
  const double mean = (1.75 + 14 / 3.0) / 2;
  EXPECT_THAT(importance_of(known_network(), Importance::l2),
              ElementsAre(DoubleNear(1.75 / mean, 1e-9), DoubleNear(14 / 3.0 / mean, 1e-9)));
  // 1, 2, 0.5 and 3, 1, 2.
  EXPECT_THAT(importance_of(known_network(), Importance::l1),
              ElementsAre(DoubleNear(3.5 / 4.75, 1e-9), DoubleNear(6 / 4.75, 1e-9)));
  EXPECT_THAT(importance_of(known_network(), Importance::batch_norm),
              ElementsAre(DoubleNear(2 / 1.5, 1e-9), DoubleNear(1 / 1.5, 1e-9)));
}

TEST(UnitImportance, ByGradientIsWhatTheLossWouldChange) {
  const Graph graph = known_network();
  const Graph gradients = filled(graph, 0.1F);
  const std::vector<double> got =
      unit_importance(graph, find_channel_groups(graph), Importance::taylor, &gradients);
  // |1|, |2|, |0.5| and |3|, |-1|, |2|, each times 0.1: as l1 here.
  EXPECT_THAT(got, Pointwise(DoubleNear(1e-6), importance_of(graph, Importance::l1)));
}

TEST(UnitImportance, HasMeanOneInEachGroup) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Graph graph = random_network(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    for (const Importance importance : kFromWeights) {
      const std::vector<double> values = unit_importance(graph, groups, importance);
      for (const ChannelGroup& group : groups.groups) {
        double sum = 0;
        for (const int unit : group.units) sum += values[static_cast<size_t>(unit)];
        EXPECT_NEAR(sum / static_cast<double>(group.units.size()), 1, 1e-9);
      }
    }
  }
}

TEST(UnitImportance, OfGroupsDoesNotChangeWithTheScaleOfTheWeights) {
  const Graph graph = filled(small_resnet(3, 1), 0.5F);
  const std::vector<double> ones(importance_of(graph, Importance::l2).size(), 1.0);
  EXPECT_THAT(importance_of(graph, Importance::l2), Pointwise(DoubleNear(1e-9), ones));
}

TEST(UnitImportance, WithoutBatchNormIsTakenFromTheWeights) {
  GraphMaker make({1, 3, 4, 4}, 1);
  const int x = make.conv(0, 5, {3, 3});
  make.linear(make.add(Op::flatten, {x}, AxisAttributes{1}), 2);
  const Graph graph = make.graph();
  EXPECT_EQ(importance_of(graph, Importance::batch_norm), importance_of(graph, Importance::l2));
}

TEST(UnitImportance, OfChannelsWithoutAnyWeightIsEqual) {
  for (const Importance importance : kFromWeights) {
    for (const double value : importance_of(filled(small_resnet(3, 1), 0), importance)) {
      EXPECT_EQ(value, 1);
    }
  }
}

TEST(UnitImportance, ByChanceFollowsTheSeed) {
  const Graph graph = small_resnet(3, 1);
  const ChannelGroups groups = find_channel_groups(graph);
  const auto chance = [&](uint64_t seed) {
    return unit_importance(graph, groups, Importance::random, nullptr, seed);
  };
  EXPECT_EQ(chance(1), chance(1));
  EXPECT_NE(chance(1), chance(2));
}

}  // namespace
}  // namespace fpcls
