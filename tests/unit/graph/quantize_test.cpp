#include "graph/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "error_of.h"
#include "graph/fold.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

QuantizePlan everything() {
  QuantizePlan plan;
  plan.wanted = [](const Node&) { return true; };
  plan.params = [](int) { return QuantParams{0.5F, 0, 0, 255}; };
  return plan;
}

std::vector<std::string> rounded(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::quantize) names.push_back(graph.node(node.inputs[0]).name);
  }
  return names;
}

TEST(Quantize, RoundsWhatIntegerLayersRead) {
  GraphMaker make({1, 3, 8, 8}, 1);
  const int first = make.add(Op::relu, {make.conv(0, 4, {3, 3})});
  const int pooled = make.add(Op::max_pool, {first}, PoolAttributes{{2, 2}, {2, 2}});
  make.conv(pooled, 4, {1, 1});
  const Graph graph = make.graph();
  const Graph integers = quantize_graph(graph, everything());
  // Before the pool, not after; the last result stays real.
  EXPECT_THAT(rounded(integers), testing::ElementsAre("input", graph.node(first).name));
  for (const Node& node : integers.nodes()) EXPECT_EQ(node.is_int8(), node.op == Op::conv);
  const auto grid = grids(integers);
  EXPECT_TRUE(grid[static_cast<size_t>(integers.find(graph.node(pooled).name))]);
  EXPECT_FALSE(grid.back());
}

TEST(Quantize, RoundsTheEarlierOfTwoThatAreAddedToIntegers) {
  GraphMaker make({1, 4, 8, 8}, 1);
  const int a = make.conv(0, 4, {1, 1});
  const int b = make.conv(0, 4, {1, 1});
  const int sum = make.add(Op::relu, {make.add(Op::add, {a, b})});
  make.conv(sum, 2, {1, 1});
  const Graph graph = make.graph();
  EXPECT_THAT(rounded(quantize_graph(graph, everything())),
              testing::ElementsAre("input", graph.node(a).name, graph.node(sum).name));
}

TEST(Quantize, LeavesLayersInBf16RealAndRoundsNothingForThem) {
  GraphMaker make({1, 3, 8, 8}, 1);
  const int first = make.conv(make.add(Op::relu, {make.conv(0, 4, {3, 3})}), 4, {1, 1});
  make.linear(make.add(Op::flatten, {first}, AxisAttributes{1}), 2);
  const Graph graph = make.graph();
  QuantizePlan plan = everything();
  plan.wanted = [&](const Node& node) { return node.name == graph.node(1).name; };
  plan.in_bf16 = [](const Node&) { return true; };
  const Graph mixed = quantize_graph(graph, plan);
  EXPECT_THAT(rounded(mixed), testing::ElementsAre("input"));
  for (const Node& node : mixed.nodes()) {
    EXPECT_EQ(node.is_int8(), node.name == graph.node(1).name);
    EXPECT_EQ(node.is_bf16(), !node.is_int8() && (node.op == Op::conv || node.op == Op::linear));
  }
  EXPECT_THAT(error_of([&] { quantize_graph(mixed, plan); }),
              testing::HasSubstr("is quantized already"));
}

TEST(Quantize, ChangesNothingWhereNothingIsWanted) {
  const Graph graph = fold_batch_norms(small_resnet(2, 1));
  QuantizePlan nothing = everything();
  nothing.wanted = [](const Node&) { return false; };
  EXPECT_EQ(quantize_graph(graph, nothing).size(), graph.size());
}

TEST(Quantize, RefusesWhatIsQuantizedAlready) {
  const Graph graph = fold_batch_norms(small_resnet(2, 1));
  const Graph integers = quantize_graph(graph, everything());
  EXPECT_THAT(error_of([&] { quantize_graph(integers, everything()); }),
              testing::HasSubstr("is quantized already"));
}

TEST(Quantize, RefusesANormThatIsNotFolded) {
  EXPECT_THAT(error_of([] { quantize_graph(small_resnet(2, 1), everything()); }),
              testing::HasSubstr("that isn't folded into"));
}

TEST(Quantize, RefusesIntegersWithoutScales) {
  GraphMaker make({1, 2, 4, 4}, 1);
  make.conv(0, 2, {1, 1});
  make.node(1).weights["weight"] = Tensor::from<int8_t>({2, 2, 1, 1}, {1, 2, 3, 4});
  EXPECT_THAT(error_of([&] { make.graph(); }), testing::HasSubstr("has no weight_scale"));
}

TEST(Quantize, RefusesScalesThatAreNotPositive) {
  for (const float scale : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), 1e-42F}) {
    GraphMaker make({1, 2, 4, 4}, 1);
    EXPECT_THAT(error_of([&] {
                  make.add(Op::quantize, {0}, QuantizeAttributes{{scale, 0, 0, 255}});
                  make.graph();
                }),
                testing::HasSubstr("has scale"));
  }
}

}  // namespace
}  // namespace fpcls
