#include "graph/channel_groups.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "graph/cut_channels.h"
#include "reference/graph/channel_dependency.h"
#include "unit/graph/networks.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kNetworks = 60;

const std::vector<int>& units_of(const ChannelGroups& groups, int node) {
  return groups.axes[static_cast<size_t>(node)].units;
}

TEST(ChannelGroups, AreWhatTryingEachChannelFinds) {
  int tied = 0, fixed = 0, free = 0;
  for (uint64_t seed = 0; seed < kNetworks; ++seed) {
    const Graph graph =
        random_network(seed, {true, /*grouped=*/false, /*clamps=*/false, /*shuffles=*/false});
    const ChannelGroups groups = find_channel_groups(graph);
    std::map<int, std::set<int>> units_of_set, sets_of_unit;
    for (const naive::Dependency& d : naive::find_dependencies(graph)) {
      const int unit = units_of(groups, d.node)[static_cast<size_t>(d.channel)];
      EXPECT_EQ(unit == kFixed, d.fixed)
          << "seed " << seed << " layer " << graph.node(d.node).name << " channel " << d.channel;
      if (unit == kFixed) {
        ++fixed;
        continue;
      }
      units_of_set[d.set].insert(unit);
      if (!sets_of_unit[unit].insert(d.set).second) ++tied;
      ++free;
    }
    for (const auto& [set, units] : units_of_set) EXPECT_EQ(units.size(), 1u) << "seed " << seed;
    for (const auto& [unit, sets] : sets_of_unit) EXPECT_EQ(sets.size(), 1u) << "seed " << seed;
  }
  // All three cases were really met.
  EXPECT_GT(tied, 100);
  EXPECT_GT(fixed, 100);
  EXPECT_GT(free, 1000);
}

TEST(ChannelGroups, HoldEachUnitOnceAndOnlyWhatLayersProduce) {
  for (uint64_t seed = 0; seed < kNetworks; ++seed) {
    const Graph graph = random_network(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    std::vector<int> seen(static_cast<size_t>(groups.unit_count));
    for (const ChannelGroup& group : groups.groups) {
      EXPECT_FALSE(group.producers.empty());
      for (const int unit : group.units) ++seen[static_cast<size_t>(unit)];
      for (const int node : group.producers) {
        for (const int unit : units_of(groups, node)) {
          EXPECT_TRUE(unit == kFixed ||
                      std::count(group.units.begin(), group.units.end(), unit) == 1);
        }
      }
    }
    for (const int times : seen) EXPECT_LE(times, 1);
  }
}

TEST(ChannelGroups, OfWhatIsLeftAreThoseOfTheCutNetwork) {
  for (uint64_t seed = 0; seed < kNetworks; ++seed) {
    const Graph graph = random_network(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    const std::vector<bool> keep = random_keep(graph, groups, 0.3, seed);
    const ChannelGroups left = remaining_groups(groups, keep);
    const Graph cut = cut_channels(graph, groups, keep).graph;
    for (int i = 0; i < cut.size(); ++i) {
      const ChannelAxis& axis = left.axes[static_cast<size_t>(i)];
      if (axis.axis < 0) continue;
      EXPECT_EQ(cut.shape(i)[static_cast<size_t>(axis.axis)],
                static_cast<int64_t>(axis.units.size()));
      for (const WeightAxis& weight : weight_axes(cut, left, i)) {
        EXPECT_EQ(cut.node(i).weight(weight.key).shape()[weight.axis],
                  static_cast<int64_t>(weight.units.size()));
      }
    }
  }
}

TEST(ChannelGroups, TheClassifierAndThePictureAreFixed) {
  const Graph graph = small_resnet(5, 1);
  const ChannelGroups groups = find_channel_groups(graph);
  EXPECT_THAT(units_of(groups, graph.size() - 1),
              ElementsAre(kFixed, kFixed, kFixed, kFixed, kFixed));
  EXPECT_THAT(units_of(groups, 0), IsEmpty());
}

TEST(ChannelGroups, AResidualTrunkIsOneGroup) {
  const Graph graph = small_resnet(5, 1);
  const ChannelGroups groups = find_channel_groups(graph);
  // The stem with the first block's end; each block's inside; the second block's end with its
  // shortcut.
  std::vector<std::pair<size_t, size_t>> sizes;
  for (const ChannelGroup& group : groups.groups) {
    sizes.emplace_back(group.producers.size(), group.units.size());
  }
  EXPECT_THAT(sizes, testing::UnorderedElementsAre(std::pair(2u, 8u), std::pair(1u, 8u),
                                                   std::pair(1u, 16u), std::pair(2u, 16u)));
}

TEST(ChannelGroups, ADepthwiseFilterGoesWithItsChannel) {
  GraphMaker make({1, 3, 8, 8}, 1);
  const int a = make.conv(0, 6, {1, 1});
  const int depthwise = make.conv(a, 6, {3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 6});
  make.linear(make.add(Op::flatten, {depthwise}, AxisAttributes{1}), 2);
  const ChannelGroups groups = find_channel_groups(make.graph());
  EXPECT_EQ(units_of(groups, a), units_of(groups, depthwise));
  EXPECT_THAT(units_of(groups, a), ElementsAre(0, 1, 2, 3, 4, 5));
  ASSERT_EQ(groups.groups.size(), 1u);
  EXPECT_THAT(groups.groups[0].producers, ElementsAre(a));
}

TEST(ChannelGroups, ManyGroupsGoWholeAndFewGoByPlace) {
  for (const bool many : {true, false}) {
    GraphMaker make({1, 3, 8, 8}, 1);
    const int a = make.conv(0, 8, {1, 1});
    const int grouped = make.conv(a, 8, {1, 1}, {{1, 1}, {}, {1, 1}, many ? 4 : 2});
    make.linear(make.add(Op::flatten, {grouped}, AxisAttributes{1}), 2);
    const ChannelGroups groups = find_channel_groups(make.graph());
    if (many) {
      EXPECT_THAT(units_of(groups, a), ElementsAre(0, 0, 1, 1, 2, 2, 3, 3));
      EXPECT_EQ(units_of(groups, grouped), units_of(groups, a));
    } else {
      EXPECT_THAT(units_of(groups, a), ElementsAre(0, 1, 2, 3, 0, 1, 2, 3));
      EXPECT_THAT(units_of(groups, grouped), ElementsAre(4, 5, 6, 7, 4, 5, 6, 7));
    }
  }
}

TEST(ChannelGroups, AShuffleTiesTheChannelsThatItPutsSideBySide) {
  GraphMaker make({1, 3, 4, 4}, 1);
  const int a = make.conv(0, 6, {1, 1});
  int x = make.add(Op::reshape, {a}, ReshapeAttributes{{2, 3, 4, 4}});
  x = make.add(Op::permute, {x}, PermuteAttributes{{0, 2, 1, 3, 4}});
  x = make.add(Op::reshape, {x}, ReshapeAttributes{{6, 4, 4}});
  make.linear(make.add(Op::flatten, {x}, AxisAttributes{1}), 2);
  const ChannelGroups groups = find_channel_groups(make.graph());
  EXPECT_THAT(units_of(groups, a), ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(units_of(groups, x), ElementsAre(0, 0, 1, 1, 2, 2));
}

TEST(ChannelGroups, AMapForAllChannelsStaysAndTiesNothing) {
  GraphMaker make({1, 3, 4, 4}, 1);
  const int a = make.conv(0, 4, {1, 1});
  const int map = make.add(Op::sigmoid, {make.conv(a, 1, {1, 1})});
  const int x = make.add(Op::mul, {a, map});
  make.linear(make.add(Op::flatten, {x}, AxisAttributes{1}), 2);
  const ChannelGroups groups = find_channel_groups(make.graph());
  EXPECT_THAT(units_of(groups, map), ElementsAre(kFixed));
  EXPECT_THAT(units_of(groups, x), ElementsAre(0, 1, 2, 3));
}

TEST(ChannelGroups, AttentionFixesWhatItReads) {
  GraphMaker make({1, 3, 4, 4}, 1);
  const int a = make.conv(0, 6, {1, 1}), b = make.conv(0, 6, {1, 1});
  const int rows = make.add(Op::reshape, {a}, ReshapeAttributes{{6, 16}});
  const int columns = make.add(
      Op::permute, {make.add(Op::reshape, {b}, ReshapeAttributes{{6, 16}})},
      PermuteAttributes{{0, 2, 1}});
  const int x = make.add(Op::matmul, {rows, columns});
  make.linear(make.add(Op::flatten, {x}, AxisAttributes{1}), 2);
  EXPECT_EQ(find_channel_groups(make.graph()).unit_count, 0);
}

}  // namespace
}  // namespace fpcls
