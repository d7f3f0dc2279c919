#include "graph/cut_channels.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"
#include "graph/constant_channels.h"
#include "reference/graph/naive_ops.h"
#include "unit/graph/networks.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kNetworks = 60;

Tensor picture(const Graph& graph, uint64_t seed) {
  return GraphMaker(graph.input_shape(), seed).random_tensor(graph.input_shape(), -2, 2);
}

std::vector<double> outputs(const Graph& graph, const Tensor& x) {
  return naive::run(graph, x)[static_cast<size_t>(graph.outputs()[0].node)].values;
}

void expect_same_outputs(const Graph& a, const Graph& b, uint64_t seed) {
  const Tensor x = picture(a, seed);
  const std::vector<double> expected = outputs(a, x), got = outputs(b, x);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], expected[i], 1e-5 * std::max(1.0, std::abs(expected[i])))
        << "seed " << seed;
  }
}

bool stays(const std::vector<bool>& keep, int unit) {
  return unit == kFixed || keep[static_cast<size_t>(unit)];
}

/// The whole network, its removed channels set to 0 in every result.
Graph masked(const Graph& graph, const ChannelGroups& groups, const std::vector<bool>& keep) {
  std::vector<Node> nodes;
  std::vector<int> results;
  for (int i = 0; i < graph.size(); ++i) {
    Node node = graph.node(i);
    for (int& input : node.inputs) input = results[static_cast<size_t>(input)];
    nodes.push_back(node);
    results.push_back(static_cast<int>(nodes.size()) - 1);
    const ChannelAxis& axis = groups.axes[static_cast<size_t>(i)];
    if (axis.axis < 0) continue;
    Shape shape(graph.shape(i).size(), 1);
    shape[static_cast<size_t>(axis.axis)] = static_cast<int64_t>(axis.units.size());
    std::vector<float> scale;
    for (const int unit : axis.units) scale.push_back(stays(keep, unit) ? 1.0F : 0.0F);
    nodes.push_back({Op::affine, node.name + ".mask", {results.back()}, AffineAttributes{false},
                     {{"scale", Tensor::from(shape, std::move(scale))}}});
    results.back() = static_cast<int>(nodes.size()) - 1;
  }
  return Graph(graph.input_shape(), nodes,
               {{"output", results[static_cast<size_t>(graph.outputs()[0].node)]}});
}

/// The network with its removed channels made constant: no filter, and batch norm of weight 0.
/// What they hold is left to biases.
Graph with_dead_channels(const Graph& graph, const ChannelGroups& groups,
                         const std::vector<bool>& keep, bool biases) {
  std::vector<Node> nodes = graph.nodes();
  for (int i = 1; i < graph.size(); ++i) {
    Node& node = nodes[static_cast<size_t>(i)];
    for (const WeightAxis& axis : weight_axes(graph, groups, i)) {
      const bool dies = axis.key == "weight" || (!biases && axis.key == "bias");
      if (axis.of_input || !dies) continue;
      Tensor& weight = node.weights.at(axis.key);
      std::vector<float> values(weight.data<float>(), weight.data<float>() + weight.count());
      const size_t row = values.size() / axis.units.size();
      for (size_t e = 0; e < values.size(); ++e) {
        if (!stays(keep, axis.units[e / row])) values[e] = 0;
      }
      weight = Tensor::from(weight.shape(), std::move(values));
    }
  }
  return graph.with_nodes(std::move(nodes));
}

TEST(CutChannels, KeepingAllGivesTheSameGraph) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Graph graph = random_network(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    const Cut cut = cut_channels(
        graph, groups, std::vector<bool>(static_cast<size_t>(groups.unit_count), true));
    EXPECT_THAT(cut.inexact, IsEmpty());
    EXPECT_EQ(outputs(cut.graph, picture(graph, seed)), outputs(graph, picture(graph, seed)));
  }
}

TEST(CutChannels, IsTheNetworkWithoutWhatThoseChannelsSay) {
  int removed = 0;
  for (uint64_t seed = 0; seed < kNetworks; ++seed) {
    const Graph graph = random_network(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    const std::vector<bool> keep = random_keep(graph, groups, 0.4, seed);
    removed += static_cast<int>(std::count(keep.begin(), keep.end(), false));
    const Cut cut = cut_channels(graph, groups, keep);
    expect_same_outputs(masked(graph, groups, keep), cut.graph, seed);
  }
  EXPECT_GT(removed, 500);
}

TEST(CutChannels, OfOneUnitIsSoundWhicheverItIs) {
  for (uint64_t seed = 0; seed < 15; ++seed) {
    const Graph graph = random_network(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    for (int unit = 0; unit < groups.unit_count; ++unit) {
      std::vector<bool> keep(static_cast<size_t>(groups.unit_count), true);
      keep[static_cast<size_t>(unit)] = false;
      try {
        expect_same_outputs(masked(graph, groups, keep), cut_channels(graph, groups, keep).graph,
                            seed);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("channels would be left"));
      }
    }
  }
}

TEST(CutChannels, OfConstantChannelsChangesNothing) {
  for (uint64_t seed = 0; seed < kNetworks; ++seed) {
    const Graph whole = random_network(seed, {/*padded=*/false, true, true, /*shuffles=*/false});
    const ChannelGroups groups = find_channel_groups(whole);
    const std::vector<bool> keep = random_keep(whole, groups, 0.4, seed);
    const Graph graph = with_dead_channels(whole, groups, keep, true);
    const Cut cut = cut_channels(graph, groups, keep);
    EXPECT_THAT(cut.inexact, IsEmpty()) << "seed " << seed;
    expect_same_outputs(graph, cut.graph, seed);
  }
}

TEST(CutChannels, IsInexactOnlyWherePaddingMeetsAConstant) {
  int exact = 0, inexact = 0;
  for (uint64_t seed = 0; seed < kNetworks; ++seed) {
    const Graph whole = random_network(seed);
    const ChannelGroups groups = find_channel_groups(whole);
    const std::vector<bool> keep = random_keep(whole, groups, 0.4, seed);
    const Graph graph = with_dead_channels(whole, groups, keep, true);
    const Cut cut = cut_channels(graph, groups, keep);
    ++(cut.inexact.empty() ? exact : inexact);
    if (cut.inexact.empty()) expect_same_outputs(graph, cut.graph, seed);
  }
  EXPECT_GT(exact, 5);
  EXPECT_GT(inexact, 5);
}

TEST(FindConstantChannels, FindsOnlyWhatIsConstantAndAllThatDied) {
  int found = 0;
  for (uint64_t seed = 0; seed < kNetworks; ++seed) {
    const Graph whole = random_network(seed);
    const ChannelGroups groups = find_channel_groups(whole);
    const std::vector<bool> keep = random_keep(whole, groups, 0.3, seed);
    const Graph graph = with_dead_channels(whole, groups, keep, true);
    const std::vector<ChannelConstants> constants = find_constant_channels(graph, groups);
    const std::vector<naive::Array> results = naive::run(graph, picture(graph, seed));
    for (int i = 1; i < graph.size(); ++i) {
      const ChannelAxis& axis = groups.axes[static_cast<size_t>(i)];
      if (axis.axis < 0) continue;
      const naive::Array& result = results[static_cast<size_t>(i)];
      const Shape inner(result.shape.begin() + axis.axis + 1, result.shape.end());
      const auto stride = static_cast<size_t>(element_count(inner));
      for (size_t e = 0; e < result.values.size(); ++e) {
        const size_t place = e / stride % axis.units.size();
        const auto& constant = constants[static_cast<size_t>(i)][place];
        if (!stays(keep, axis.units[place])) {
          EXPECT_TRUE(constant) << "seed " << seed << " layer " << graph.node(i).name;
          ++found;
        }
        if (!constant || !constant->everywhere) continue;
        EXPECT_NEAR(result.values[e], constant->value, 1e-5)
            << "seed " << seed << " layer " << graph.node(i).name;
      }
    }
  }
  EXPECT_GT(found, 1000);
}

/// conv to 2 - batch norm - relu - padded conv to 1 - all outputs; channel 1 is dead, its beta 2.
Graph dead_before_padding(bool second_norm) {
  GraphMaker make({1, 1, 6, 6}, 1);
  int x = make.batch_norm(make.conv(0, 2, {1, 1}, {}, false));
  make.node(x).weights["weight"] = Tensor::from<float>({2}, {1, 0});
  make.node(x).weights["bias"] = Tensor::from<float>({2}, {1, 2});
  x = make.conv(make.add(Op::relu, {x}), 1, {3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}, false);
  if (second_norm) make.batch_norm(x);
  return make.graph();
}

TEST(CutChannels, FoldsExactlyAwayFromTheBorderAndSaysSo) {
  for (const bool second_norm : {false, true}) {
    const Graph graph = dead_before_padding(second_norm);
    const ChannelGroups groups = find_channel_groups(graph);
    ASSERT_EQ(groups.unit_count, 2);
    const Cut cut = cut_channels(graph, groups, {true, false});
    EXPECT_THAT(cut.inexact, ElementsAre("conv_4"));
    const Tensor x = picture(graph, 3);
    const std::vector<double> expected = outputs(graph, x), got = outputs(cut.graph, x);
    double border = 0;
    for (size_t h = 0; h < 6; ++h) {
      for (size_t w = 0; w < 6; ++w) {
        const double difference = std::abs(got[h * 6 + w] - expected[h * 6 + w]);
        if (h >= 1 && h <= 4 && w >= 1 && w <= 4) {
          EXPECT_LT(difference, 1e-5);
        } else {
          border = std::max(border, difference);
        }
      }
    }
    EXPECT_GT(border, 0.01);
    // No weights are added where a batch norm can take the constant.
    EXPECT_EQ(cut.graph.node(4).weights.count("bias"), second_norm ? 0u : 1u);
  }
}

TEST(CutChannels, CutsLayerNormAndLayerScale) {
  GraphMaker make({1, 3, 4, 4}, 1);
  const int a = make.conv(0, 4, {1, 1});
  int x = make.add(Op::permute, {a}, PermuteAttributes{{0, 2, 3, 1}});
  x = make.add(Op::layer_norm, {x}, LayerNormAttributes{3, 1e-6},
               {{"weight", make.random_tensor({4})}, {"bias", make.random_tensor({4})}});
  x = make.linear(x, 6);
  x = make.add(Op::affine, {make.add(Op::gelu, {x})}, AffineAttributes{true},
               {{"scale", make.random_tensor({1, 1, 1, 6})}});
  make.linear(make.add(Op::flatten, {x}, AxisAttributes{1}), 2);
  const Graph graph = make.graph();
  const ChannelGroups groups = find_channel_groups(graph);
  EXPECT_EQ(groups.unit_count, 10);
  std::vector<bool> keep(10, true);
  keep[1] = keep[5] = keep[9] = false;
  const Graph cut = cut_channels(graph, groups, keep).graph;
  EXPECT_EQ(cut.node(3).weight("weight").shape(), (Shape{3}));
  EXPECT_EQ(cut.node(3).weight("bias").data<float>()[1],
            graph.node(3).weight("bias").data<float>()[2]);
  EXPECT_EQ(cut.node(4).weight("weight").shape(), (Shape{4, 3}));
  EXPECT_EQ(cut.node(6).weight("scale").shape(), (Shape{1, 1, 1, 4}));
  EXPECT_EQ(cut.node(8).weight("weight").shape(), (Shape{2, 64}));
}

TEST(CutChannels, RefusesToEmptyALayer) {
  const Graph graph = small_resnet(3, 1);
  const ChannelGroups groups = find_channel_groups(graph);
  std::vector<bool> keep(static_cast<size_t>(groups.unit_count), true);
  for (const int unit : groups.groups[0].units) keep[static_cast<size_t>(unit)] = false;
  try {
    cut_channels(graph, groups, keep);
    FAIL() << "took it";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("layer 'conv_1': none of its 8 channels would be left"));
  }
}

}  // namespace
}  // namespace fpcls
