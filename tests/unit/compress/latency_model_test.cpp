#include "compress/latency_model.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "base/error.h"
#include "compress/channel_selection.h"
#include "compress/importance.h"
#include "graph/cut_channels.h"
#include "model/resnet.h"
#include "temporary_folder.h"
#include "unit/graph/networks.h"

namespace fpcls {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// A processor on which a layer's time is its MACs at widths rounded up to `block`, and four
/// times that where the number of outputs is `slow`.
class FakeTimer : public LayerTimer {
 public:
  explicit FakeTimer(int64_t block, int64_t slow = 0) : block_(block), slow_(slow) {}

  double layer_ms(const LayerShape& shape) override {
    ++asked;
    keys.push_back(shape.key());
    const auto up = [&](int64_t width) { return (width + block_ - 1) / block_ * block_; };
    const Pair& stride = shape.attributes.stride;
    const double positions = static_cast<double>(shape.height * shape.width) /
                             static_cast<double>(stride[0] * stride[1]);
    const double macs = positions *
                        static_cast<double>(up(shape.inputs) * up(shape.outputs) * shape.kernel[0] *
                                            shape.kernel[1]) /
                        static_cast<double>(shape.attributes.groups);
    return 1e-6 * macs * (shape.outputs == slow_ ? 4 : 1);
  }
  std::vector<double> other_ms(const Graph& graph) override {
    return std::vector<double>(static_cast<size_t>(graph.size()), 0);
  }

  int asked = 0;
  std::vector<std::string> keys;

 private:
  int64_t block_, slow_;
};

Graph resnet(double width = 1) {
  ResNetSpec spec;
  spec.architecture = "resnet18";
  spec.width_multiplier = width;
  spec.outputs = 2;
  return build_resnet(spec);
}

/// The shapes of all layers of a network, as a timer would be asked for them.
std::vector<std::string> shapes_of(const Graph& graph) {
  FakeTimer timer(1);
  const ChannelGroups groups = find_channel_groups(graph);
  LatencyModel(graph, groups, timer)
      .ms(std::vector<bool>(static_cast<size_t>(groups.unit_count), true));
  return timer.keys;
}

TEST(LatencyModel, AsksForTheVeryShapesThatCuttingGives) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Graph graph = random_network(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    const std::vector<bool> keep = random_keep(graph, groups, 0.4, seed);
    FakeTimer timer(1);
    LatencyModel(graph, groups, timer).ms(keep);
    EXPECT_EQ(timer.keys, shapes_of(cut_channels(graph, groups, keep).graph)) << "seed " << seed;
  }
}

TEST(LatencyModel, FindsTheEdgesOfTheSteps) {
  const Graph graph = resnet();
  FakeTimer timer(16);
  const std::vector<std::vector<int64_t>> cliffs =
      LatencyModel(graph, find_channel_groups(graph), timer).cliffs();
  for (const std::vector<int64_t>& widths : cliffs) {
    EXPECT_TRUE(std::is_sorted(widths.begin(), widths.end()));
    for (const int64_t width : widths) EXPECT_EQ(width % 16, 0);
    EXPECT_GE(widths.size(), 4U);
  }
}

TEST(LatencyModel, LeavesOutWidthsThatAreSlowerThanWiderOnes) {
  const Graph graph = resnet();
  FakeTimer timer(16, 48);
  const std::vector<std::vector<int64_t>> cliffs =
      LatencyModel(graph, find_channel_groups(graph), timer).cliffs();
  EXPECT_THAT(cliffs, Contains(ElementsAre(16, 32, 40, 64)));
  EXPECT_THAT(cliffs, Not(Contains(Contains(48))));
}

TEST(LatencyModel, LeavesGroupsWholeWhereNothingIsQuicker) {
  const Graph graph = resnet(0.25);
  FakeTimer timer(4096);
  const ChannelGroups groups = find_channel_groups(graph);
  const std::vector<std::vector<int64_t>> cliffs = LatencyModel(graph, groups, timer).cliffs();
  for (size_t g = 0; g < cliffs.size(); ++g) {
    EXPECT_THAT(cliffs[g], ElementsAre(static_cast<int64_t>(groups.groups[g].units.size())));
  }
}

struct Setting {
  explicit Setting(LayerTimer& timer) : latency(graph, groups, timer) {}

  ChannelSelection select(double ratio, PruneScope scope) const {
    ChannelSelectionOptions options;
    options.scope = scope;
    options.widths = latency.cliffs();
    const std::vector<double> importance = unit_importance(graph, groups, Importance::l2);
    return select_channels(graph, groups, costs, importance,
                           std::vector<bool>(importance.size(), true), {PruneUnit::latency, ratio},
                           options);
  }

  Graph graph = resnet();
  ChannelGroups groups = find_channel_groups(graph);
  LatencyModel latency;
  CostModel costs{graph, groups, &latency};
};

TEST(SelectChannels, RemovesTheShareOfTheTime) {
  FakeTimer timer(16);
  const Setting setting(timer);
  for (const PruneScope scope : {PruneScope::global, PruneScope::uniform}) {
    for (const double ratio : {0.25, 0.5, 0.75}) {
      const ModelCosts after = setting.select(ratio, scope).costs;
      EXPECT_NEAR(removed_ratio(PruneUnit::latency, setting.costs.dense(), after), ratio, 0.05)
          << enum_name(scope);
    }
  }
}

TEST(SelectChannels, LeavesNoGroupNarrowerThanItCouldBeInTheSameTime) {
  FakeTimer timer(24, 96);
  const Setting setting(timer);
  const ChannelSelection chosen = setting.select(0.6, PruneScope::global);
  const double ms = *chosen.costs.latency_ms;
  for (const ChannelGroup& group : setting.groups.groups) {
    std::vector<bool> wider = chosen.keep;
    for (const int unit : group.units) {
      if (wider[static_cast<size_t>(unit)]) continue;
      wider[static_cast<size_t>(unit)] = true;
      const auto kept = std::count_if(group.units.begin(), group.units.end(), [&](int u) {
        return wider[static_cast<size_t>(u)];
      });
      // At the widths that are tried; between them a block may have room left.
      const std::vector<std::vector<int64_t>> cliffs = setting.latency.cliffs();
      const auto g = static_cast<size_t>(&group - setting.groups.groups.data());
      if (!std::binary_search(cliffs[g].begin(), cliffs[g].end(), kept)) continue;
      EXPECT_GT(setting.latency.ms(wider), ms) << "group " << g << " of " << kept;
    }
  }
}

TEST(SelectChannels, SaysThatTimesAreMissing) {
  FakeTimer timer(16);
  Setting setting(timer);
  setting.costs = CostModel(setting.graph, setting.groups);
  try {
    setting.select(0.5, PruneScope::global);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("latency: isn't known from the graph alone"));
  }
}

TEST(KeptLayerTimes, AsksOnceAndRemembersBitForBit) {
  const TemporaryFolder folder;
  FakeTimer timer(16);
  KeptLayerTimes times(timer);
  LayerShape shape;
  shape.inputs = 48;
  shape.outputs = 7;
  const double ms = times.layer_ms(shape);
  EXPECT_EQ(times.layer_ms(shape), ms);
  EXPECT_EQ(timer.asked, 1);
  times.save(folder.path() / "times");
  FakeTimer other(1);
  KeptLayerTimes again(other);
  again.load(folder.path() / "times");
  EXPECT_EQ(again.layer_ms(shape), ms);
  EXPECT_EQ(other.asked, 0);
}

TEST(KeptLayerTimes, RefusesADamagedFile) {
  const TemporaryFolder folder;
  FakeTimer timer(16);
  KeptLayerTimes times(timer);
  for (const char* text : {"what,ms\nconv,-0x1p+0\n", "what,ms\nconv,much\n", "what\nconv\n",
                           "what,ms\nconv,nan\n", "what,ms\nconv\n"}) {
    std::ofstream(folder.path() / "times") << text;
    EXPECT_THROW(times.load(folder.path() / "times"), Error) << text;
  }
  times.load(folder.path() / "none");
  EXPECT_EQ(times.size(), 0U);
}

TEST(MeasuredLayerTimes, TakesLongerForALayerOfSixteenTimesTheWork) {
  MeasuredLayerTimes timer(1);
  LayerShape shape;
  shape.kernel = {3, 3};
  shape.attributes.padding = {1, 1, 1, 1};
  shape.height = shape.width = 28;
  shape.inputs = shape.outputs = 32;
  const double narrow = timer.layer_ms(shape);
  shape.inputs = shape.outputs = 128;
  EXPECT_GT(timer.layer_ms(shape), narrow);
  EXPECT_GT(narrow, 0);
}

TEST(MeasuredLayerTimes, MeasuresEveryKindOfLayer) {
  MeasuredLayerTimes timer(1);
  LayerShape depthwise;
  depthwise.inputs = depthwise.outputs = depthwise.attributes.groups = 24;
  depthwise.kernel = {3, 3};
  depthwise.height = depthwise.width = 14;
  EXPECT_GT(timer.layer_ms(depthwise), 0);
  LayerShape first;
  first.inputs = 3;
  first.outputs = 5;
  first.kernel = {7, 7};
  first.attributes.stride = {2, 2};
  first.height = first.width = 32;
  EXPECT_GT(timer.layer_ms(first), 0);
  LayerShape linear;
  linear.op = Op::linear;
  linear.inputs = 100;
  linear.outputs = 2;
  EXPECT_GT(timer.layer_ms(linear), 0);
  linear.height = 49;
  EXPECT_GT(timer.layer_ms(linear), 0);
}

}  // namespace
}  // namespace fpcls
