#include "compress/layer_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "exec/backend.h"
#include "graph/fold.h"
#include "graph/named_output.h"
#include "model/resnet.h"

namespace fpcls {
namespace {

constexpr double kTolerance = 1e-3;
constexpr int kSize = 32;

Graph small_resnet18() {
  ResNetSpec spec;
  spec.width_multiplier = 0.125;
  spec.height = spec.width = kSize;
  return fold_batch_norms(build_resnet(spec));
}

std::unique_ptr<Executor> engine(const Graph& graph, FloatType type = FloatType::f32) {
  Preprocessing preprocessing;
  preprocessing.height = preprocessing.width = kSize;
  return make_executor(ExecutorKind::engine, graph, preprocessing, {"cpu", 1, type});
}

Tensor random_input(int64_t pictures, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(pictures * 3 * kSize * kSize));
  for (float& value : values) value = static_cast<float>(random.normal());
  return Tensor::from({pictures, 3, kSize, kSize}, std::move(values));
}

std::vector<WalkedLayer> walk(const Graph& a, const Graph& b, const Tensor& x) {
  const auto first = engine(a);
  const auto second = engine(b);
  LayerWalk walk({&a, first.get()}, {&b, second.get()});
  walk.add(x, x);
  return walk.layers();
}

Graph with_node(const Graph& graph, int index, const Node& node) {
  std::vector<Node> nodes = graph.nodes();
  nodes[static_cast<size_t>(index)] = node;
  return graph.with_nodes(std::move(nodes));
}

/// The first output channel's weights times -1.
Node negated_channel(const Node& node) {
  const Tensor weight = node.weight("weight");
  std::vector<float> values(weight.data<float>(), weight.data<float>() + weight.count());
  const int64_t each = weight.count() / weight.shape()[0];
  for (int64_t i = 0; i < each; ++i) values[static_cast<size_t>(i)] *= -1;
  Node broken = node;
  broken.weights["weight"] = Tensor::from(weight.shape(), std::move(values));
  return broken;
}

std::string name_at(const std::vector<WalkedLayer>& layers, int index) {
  return index < 0 ? "none" : layers[static_cast<size_t>(index)].name;
}

TEST(LayerWalk, FindsNothingBetweenAModelAndItself) {
  const Graph graph = small_resnet18();
  const auto layers = walk(graph, graph, random_input(3, 1));
  EXPECT_EQ(first_divergent(layers, 0), -1);
  EXPECT_EQ(worst_injected(layers), -1);
  EXPECT_EQ(layers[0].name, "input");
  EXPECT_EQ(layers.size(), 1 + engine(graph)->steps().size());
}

TEST(LayerWalk, NamesEachLayerOfWhichOneChannelIsNegated) {
  const Graph graph = small_resnet18();
  const Tensor x = random_input(2, 2);
  int broken = 0;
  for (int i = 1; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (node.op != Op::conv && node.op != Op::linear) continue;
    ++broken;
    const auto layers = walk(graph, with_node(graph, i, negated_channel(node)), x);
    EXPECT_EQ(name_at(layers, first_divergent(layers, kTolerance)), node.name);
    EXPECT_EQ(name_at(layers, worst_injected(layers)), node.name);
  }
  EXPECT_EQ(broken, 21);
}

TEST(LayerWalk, NamesEachLayerThatIsPaddedOnTheWrongSide) {
  const Graph graph = small_resnet18();
  const Tensor x = random_input(2, 3);
  int broken = 0;
  for (int i = 1; i < graph.size(); ++i) {
    Node node = graph.node(i);
    if (node.op != Op::conv || node.conv().padding[0] == 0) continue;
    ++broken;
    auto& padding = std::get<ConvAttributes>(node.attributes).padding;
    ++padding[0];
    --padding[2];
    const auto layers = walk(graph, with_node(graph, i, node), x);
    EXPECT_EQ(name_at(layers, first_divergent(layers, kTolerance)), node.name);
  }
  EXPECT_EQ(broken, 17);
}

TEST(LayerWalk, InjectedErrorIsThatOfTheBrokenLayerAlone) {
  const Graph graph = small_resnet18();
  const int broken = graph.find("layer2.0.conv1");
  const auto layers =
      walk(graph, with_node(graph, broken, negated_channel(graph.node(broken))), random_input(2, 4));
  const int found = first_divergent(layers, kTolerance);
  for (int i = 0; i < static_cast<int>(layers.size()); ++i) {
    const WalkedLayer& layer = layers[static_cast<size_t>(i)];
    if (i == found) continue;
    EXPECT_LT(layer.injected.relative().value_or(1), 1e-5) << layer.name;
    EXPECT_EQ(layer.so_far.max() > 0, i > found) << layer.name;
  }
}

TEST(LayerWalk, DoesNotDependOnTheBatches) {
  const Graph graph = small_resnet18();
  const int broken = graph.find("layer1.0.conv1");
  const Graph other = with_node(graph, broken, negated_channel(graph.node(broken)));
  const Tensor x = random_input(4, 5);
  const auto whole = walk(graph, other, x);
  const auto first = engine(graph);
  const auto second = engine(other);
  LayerWalk parts({&graph, first.get()}, {&other, second.get()});
  for (int64_t i = 0; i < 4; ++i) {
    const float* start = x.data<float>() + i * 3 * kSize * kSize;
    const Tensor one = Tensor::from({1, 3, kSize, kSize},
                                    std::vector<float>(start, start + 3 * kSize * kSize));
    parts.add(one, one);
  }
  EXPECT_EQ(parts.pictures(), 4);
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_NEAR(parts.layers()[i].so_far.max(), whole[i].so_far.max(), 1e-4) << whole[i].name;
    EXPECT_EQ(parts.layers()[i].so_far.count(), whole[i].so_far.count());
  }
}

TEST(LayerWalk, HoldsNoMoreForADeeperNetworkOrMorePictures) {
  const auto most_held = [](const std::string& architecture, int batches) {
    ResNetSpec spec;
    spec.architecture = architecture;
    spec.width_multiplier = 0.125;
    spec.height = spec.width = kSize;
    const Graph graph = fold_batch_norms(build_resnet(spec));
    const auto executor = engine(graph);
    LayerWalk walk({&graph, executor.get()}, {&graph, executor.get()});
    const Tensor x = random_input(1, 6);
    for (int i = 0; i < batches; ++i) walk.add(x, x);
    return walk.most_held_bytes();
  };
  const int64_t held = most_held("resnet18", 1);
  EXPECT_GT(held, 0);
  EXPECT_EQ(most_held("resnet34", 1), held);
  EXPECT_EQ(most_held("resnet18", 4), held);
}

TEST(LayerWalk, MatchesNetworksOfWhichOneEndsEarlier) {
  const Graph graph = small_resnet18();
  const Graph half = with_output(graph, "layer2.0.conv1");
  const auto layers = walk(graph, half, random_input(1, 7));
  EXPECT_GT(layers.size(), 4u);
  EXPECT_EQ(first_divergent(layers, kTolerance), -1);
}

TEST(LayerWalk, ComparesBf16WithF32) {
  const Graph graph = small_resnet18();
  const auto first = engine(graph);
  std::unique_ptr<Executor> second;
  try {
    second = engine(graph, FloatType::bf16);
  } catch (const Error&) {
    GTEST_SKIP() << "no bf16 on this CPU";
  }
  LayerWalk walk({&graph, first.get()}, {&graph, second.get()});
  const Tensor x = random_input(2, 8);
  walk.add(x, x);
  EXPECT_EQ(first_divergent(walk.layers(), 0.1), -1);
  EXPECT_GT(first_divergent(walk.layers(), 1e-4), 0);
  EXPECT_GT(worst_injected(walk.layers()), 0);
}

#ifdef FPCLS_TORCH
TEST(LayerWalk, ComparesWhatIsFusedWithWhatIsNot) {
  const Graph graph = small_resnet18();
  Preprocessing preprocessing;
  preprocessing.height = preprocessing.width = kSize;
  const auto unfused = make_executor(ExecutorKind::torch, graph, preprocessing, {"cpu", 1});
  const auto fused = engine(graph);
  const Tensor x = random_input(2, 9);
  ASSERT_NE(unfused->steps().size(), fused->steps().size());
  LayerWalk there({&graph, unfused.get()}, {&graph, fused.get()});
  there.add(x, x);
  EXPECT_EQ(first_divergent(there.layers(), 1e-4), -1);
  LayerWalk back({&graph, fused.get()}, {&graph, unfused.get()});
  back.add(x, x);
  EXPECT_EQ(first_divergent(back.layers(), 1e-4), -1);
  EXPECT_EQ(there.layers().size(), back.layers().size());
  // A broken layer is named by its own name, though the result compared is the ReLU's behind it.
  const int broken = graph.find("layer3.1.conv1");
  const Graph other = with_node(graph, broken, negated_channel(graph.node(broken)));
  const auto unfused_other = make_executor(ExecutorKind::torch, other, preprocessing, {"cpu", 1});
  LayerWalk wrong({&graph, fused.get()}, {&other, unfused_other.get()});
  wrong.add(x, x);
  EXPECT_EQ(name_at(wrong.layers(), first_divergent(wrong.layers(), kTolerance)), "layer3.1.conv1");
}
#endif

TEST(LayerWalk, RefusesModelsThatHaveNothingInCommon) {
  const Graph graph = small_resnet18();
  ResNetSpec spec;
  spec.width_multiplier = 0.125;
  spec.height = 32;
  spec.width = 64;
  const Graph wider = build_resnet(spec);
  Preprocessing preprocessing;
  preprocessing.height = 32;
  preprocessing.width = 64;
  const auto first = engine(graph);
  const auto second = make_executor(ExecutorKind::engine, wider, preprocessing, {"cpu", 1});
  EXPECT_THROW(LayerWalk({&graph, first.get()}, {&wider, second.get()}), Error);
  std::vector<Node> renamed = graph.nodes();
  for (Node& node : renamed) node.name += "'";
  const Graph other = graph.with_nodes(std::move(renamed));
  const auto third = engine(other);
  EXPECT_THROW(LayerWalk({&graph, first.get()}, {&other, third.get()}), Error);
}

TEST(LayerWalk, LeavesOutLayersOfOtherShapes) {
  const Graph graph = small_resnet18();
  ResNetSpec spec;
  spec.width_multiplier = 0.25;
  spec.height = spec.width = kSize;
  const Graph wide = fold_batch_norms(build_resnet(spec));
  const auto first = engine(graph);
  const auto second = engine(wide);
  LayerWalk walk({&graph, first.get()}, {&wide, second.get()});
  EXPECT_FALSE(walk.misshapen().empty());
  const Tensor x = random_input(1, 10);
  walk.add(x, x);
  EXPECT_EQ(walk.layers().size(), 2u);  // the input and what the two end in
}

}  // namespace
}  // namespace fpcls
