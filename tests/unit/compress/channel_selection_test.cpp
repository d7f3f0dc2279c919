#include "compress/channel_selection.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/error.h"
#include "compress/importance.h"
#include "graph/cut_channels.h"
#include "model/resnet.h"
#include "unit/graph/networks.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

using testing::Each;
using testing::HasSubstr;

/// Everything that a selection is made from.
struct Setting {
  Graph graph;
  ChannelGroups groups = find_channel_groups(graph);
  CostModel model{graph, groups};
  std::vector<double> importance = unit_importance(graph, groups, Importance::l2);
  std::vector<bool> present = std::vector<bool>(importance.size(), true);

  ChannelSelection select(PruneGoal goal, ChannelSelectionOptions options = {}) const {
    return select_channels(graph, groups, model, importance, present, goal, options);
  }
  std::string complaint(PruneGoal goal, ChannelSelectionOptions options = {}) const {
    try {
      select(goal, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  /// Units that each group keeps.
  std::vector<int64_t> kept(const ChannelSelection& selection) const {
    std::vector<int64_t> counts;
    for (const ChannelGroup& group : groups.groups) {
      counts.push_back(std::count_if(group.units.begin(), group.units.end(), [&](int unit) {
        return selection.keep[static_cast<size_t>(unit)];
      }));
    }
    return counts;
  }
};

Setting resnet(const char* architecture, double width = 1) {
  ResNetSpec spec;
  spec.architecture = architecture;
  spec.width_multiplier = width;
  spec.outputs = 2;
  return {build_resnet(spec)};
}

ChannelSelectionOptions uniform(int round_to = 0) {
  ChannelSelectionOptions options;
  options.scope = PruneScope::uniform;
  options.round_to = round_to;
  return options;
}

ModelCosts counted(const Graph& graph) {
  ModelCosts costs;
  costs.parameters = parameter_count(graph);
  costs.macs = mac_count(graph);
  for (const Node& node : graph.nodes()) {
    for (const auto& [key, weight] : node.weights) costs.size_bytes += weight.size_bytes();
  }
  return costs;
}

TEST(CostModel, PredictsExactlyWhatCuttingGives) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Graph graph = random_network(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    const std::vector<bool> keep = random_keep(graph, groups, 0.4, seed);
    const ModelCosts predicted = CostModel(graph, groups).costs(keep);
    const ModelCosts real = counted(cut_channels(graph, groups, keep).graph);
    EXPECT_EQ(predicted.parameters, real.parameters) << "seed " << seed;
    EXPECT_EQ(predicted.macs, real.macs) << "seed " << seed;
    EXPECT_EQ(predicted.size_bytes, real.size_bytes) << "seed " << seed;
  }
}

TEST(CostModel, OfTheWholeNetworkIsTheNetworks) {
  const Setting s = resnet("resnet18");
  const ModelCosts dense = s.model.dense(), real = counted(s.graph);
  EXPECT_EQ(dense.parameters, real.parameters);
  EXPECT_EQ(dense.macs, real.macs);
  EXPECT_EQ(dense.channels, 4800);  // of 20 convolutions; the classifier's outputs stay
}

TEST(SelectChannels, UniformRemovesTheShareOfEveryGroup) {
  const Setting s = resnet("resnet18");
  for (const double ratio : {0.25, 0.5, 0.75, 0.9}) {
    const ChannelSelection selection = s.select({PruneUnit::channels, ratio}, uniform());
    const std::vector<int64_t> kept = s.kept(selection);
    for (size_t g = 0; g < kept.size(); ++g) {
      const auto whole = static_cast<double>(s.groups.groups[g].units.size());
      EXPECT_EQ(kept[g], std::lround(whole * (1 - ratio)));
    }
    EXPECT_NEAR(removed_ratio(PruneUnit::channels, s.model.dense(), selection.costs), ratio, 0.005);
  }
}

TEST(SelectChannels, LeavesAboutAMegabyteOfResNet50WhereATenthOfTheChannelsStay) {
  const Setting s = resnet("resnet50");
  const ModelCosts after = s.select({PruneUnit::channels, 0.9}, uniform()).costs;
  EXPECT_NEAR(removed_ratio(PruneUnit::macs, s.model.dense(), after), 0.988, 0.001);
  EXPECT_NEAR(static_cast<double>(after.size_bytes), 1e6, 0.1e6);
}

TEST(SelectChannels, MeetsTheGoalWhateverTheUnitAndTheScope) {
  const Setting settings[] = {resnet("resnet18", 0.5), resnet("resnet50", 0.25)};
  for (const Setting& s : settings) {
    for (const PruneUnit unit :
         {PruneUnit::channels, PruneUnit::params, PruneUnit::macs, PruneUnit::bytes}) {
      for (const double ratio : {0.1, 0.5, 0.8}) {
        for (const auto& options : {ChannelSelectionOptions(), uniform(), uniform(8)}) {
          const ChannelSelection selection = s.select({unit, ratio}, options);
          // A step of 8 channels is an eighth of the narrowest groups.
          EXPECT_NEAR(removed_ratio(unit, s.model.dense(), selection.costs), ratio,
                      options.round_to == 8 ? 0.05 : 0.01)
              << enum_name(unit) << " " << enum_name(options.scope) << " " << options.round_to;
        }
      }
    }
  }
}

TEST(SelectChannels, MeetsTheGoalInNarrowNetworksToo) {
  const Setting s = resnet("resnet18", 0.125);
  for (const double ratio : {0.3, 0.5, 0.7, 0.9}) {
    const ModelCosts after = s.select({PruneUnit::macs, ratio}, uniform()).costs;
    EXPECT_NEAR(removed_ratio(PruneUnit::macs, s.model.dense(), after), ratio, 0.01) << ratio;
  }
}

TEST(SelectChannels, KeepsTheMostImportantOfEachGroup) {
  const Setting s = resnet("resnet18");
  const ChannelSelection selection = s.select({PruneUnit::macs, 0.6}, uniform());
  for (const ChannelGroup& group : s.groups.groups) {
    double least_kept = 1e30, most_removed = 0;
    for (const int unit : group.units) {
      const double value = s.importance[static_cast<size_t>(unit)];
      if (selection.keep[static_cast<size_t>(unit)]) {
        least_kept = std::min(least_kept, value);
      } else {
        most_removed = std::max(most_removed, value);
      }
    }
    EXPECT_GE(least_kept, most_removed);
  }
}

TEST(SelectChannels, GlobalTakesMoreFromGroupsThatMatterLess) {
  Setting s = resnet("resnet18");
  // Two groups of one structure: the insides of the second and third blocks of equal shape.
  std::vector<size_t> alike;
  for (size_t g = 0; g < s.groups.groups.size(); ++g) {
    const auto& group = s.groups.groups[g];
    if (group.producers.size() == 1 && group.units.size() == 64) alike.push_back(g);
  }
  ASSERT_EQ(alike.size(), 2u);
  for (const int unit : s.groups.groups[alike[0]].units) {
    s.importance[static_cast<size_t>(unit)] /= 10;
  }
  ChannelSelectionOptions options;
  options.round_to = 1;
  const std::vector<int64_t> kept = s.kept(s.select({PruneUnit::channels, 0.3}, options));
  EXPECT_LT(kept[alike[0]], kept[alike[1]] / 2);
  EXPECT_GE(kept[alike[0]], 8);  // the floor
}

TEST(SelectChannels, GlobalKeepsItsFloor) {
  const Setting s = resnet("resnet18");
  ChannelSelectionOptions options;
  options.floor_ratio = 0.4;
  for (const int64_t count : s.kept(s.select({PruneUnit::macs, 0.8}, options))) {
    EXPECT_GE(count, 25);  // of 64, 40 %
  }
  EXPECT_THAT(s.complaint({PruneUnit::macs, 0.9}, options),
              HasSubstr("each group keeps a share of 0.4 and up to 8 of its channels"));
}

TEST(SelectChannels, LeavesMultiples) {
  const Setting s = resnet("resnet50");
  for (const int multiple : {8, 32}) {
    for (const int64_t count : s.kept(s.select({PruneUnit::macs, 0.7}, uniform(multiple)))) {
      EXPECT_EQ(count % multiple, 0);
    }
  }
  // By itself, where many channels stay and not where few do.
  for (const int64_t count : s.kept(s.select({PruneUnit::macs, 0.5}, uniform()))) {
    EXPECT_TRUE(count < 32 || count % 16 == 0) << count;
  }
}

TEST(SelectChannels, LeavesIgnoredGroupsWhole) {
  const Setting s = resnet("resnet18");
  ChannelSelectionOptions options;
  options.ignored.assign(s.groups.groups.size(), false);
  options.ignored[0] = true;
  const std::vector<int64_t> kept = s.kept(s.select({PruneUnit::macs, 0.5}, options));
  EXPECT_EQ(kept[0], 64);
  options.ignored.assign(s.groups.groups.size(), true);
  EXPECT_THAT(s.complaint({PruneUnit::macs, 0.5}, options), HasSubstr("no channel can go"));
}

TEST(SelectChannels, GoesOnFromWhatIsGoneAlready) {
  for (const ChannelSelectionOptions& options : {ChannelSelectionOptions(), uniform()}) {
    Setting s = resnet("resnet18");
    const ChannelSelection first = s.select({PruneUnit::macs, 0.4}, options);
    s.present = first.keep;
    std::reverse(s.importance.begin(), s.importance.end());  // another opinion
    const ChannelSelection second = s.select({PruneUnit::macs, 0.8}, options);
    for (size_t unit = 0; unit < first.keep.size(); ++unit) {
      EXPECT_TRUE(first.keep[unit] || !second.keep[unit]);
    }
    EXPECT_NEAR(removed_ratio(PruneUnit::macs, s.model.dense(), second.costs), 0.8, 0.01);
  }
}

TEST(SelectChannels, NeverEmptiesAResult) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Setting s{random_network(seed)};
    if (s.groups.groups.empty()) continue;
    for (const double ratio : {0.5, 0.8}) {
      for (const PruneScope scope : {PruneScope::global, PruneScope::uniform}) {
        ChannelSelectionOptions options;
        options.scope = scope;
        try {
          const ChannelSelection selection = s.select({PruneUnit::channels, ratio}, options);
          cut_channels(s.graph, s.groups, selection.keep);
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), testing::AnyOf(HasSubstr("can go"), HasSubstr("would leave")))
              << "seed " << seed;
        }
      }
    }
  }
}

TEST(SelectChannels, RemovingNothingKeepsAll) {
  const Setting s = resnet("resnet18");
  EXPECT_THAT(s.select({PruneUnit::macs, 0}).keep, Each(true));
}

TEST(SelectChannels, RefusesWhatWouldLeaveALayerEmpty) {
  const Setting s = resnet("resnet18");
  EXPECT_THAT(s.complaint({PruneUnit::channels, 0.995}, uniform()),
              HasSubstr("channels=0.995: would leave layer 'conv1' none of its 64 channels; remove "
                        "at most 0.9921"));
  EXPECT_EQ(s.complaint({PruneUnit::channels, 0.9921}, uniform()), "");
}

TEST(SelectChannels, RefusesWhatCantBeReached) {
  const Setting s = resnet("resnet18");
  EXPECT_THAT(s.complaint({PruneUnit::macs, 0.9999}, uniform()), HasSubstr("can go; remove less"));
  EXPECT_THAT(s.complaint({PruneUnit::macs, 1}), HasSubstr("expected 0 to below 1"));
  EXPECT_THAT(s.complaint({PruneUnit::latency, 0.5}), HasSubstr("latency"));
}

}  // namespace
}  // namespace fpcls
