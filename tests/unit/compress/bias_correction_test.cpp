#include "compress/bias_correction.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "graph/quantize.h"
#include "reference/graph/naive_ops.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

/// Means of each channel of a result {N, C, H, W}.
std::vector<double> channel_means(const naive::Array& a) {
  std::vector<double> means(static_cast<size_t>(a.shape[1]));
  const int64_t places = a.shape[2] * a.shape[3];
  for (size_t i = 0; i < a.values.size(); ++i) {
    means[static_cast<size_t>(static_cast<int64_t>(i) / places % a.shape[1])] += a.values[i];
  }
  for (double& mean : means) mean /= static_cast<double>(a.shape[0] * places);
  return means;
}

struct Shaped {
  Pair kernel;
  ConvAttributes attributes;
};

std::vector<Shaped> shapes() {
  return {{{1, 1}, {}},
          {{3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1}},
          {{3, 3}, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 2}},
          {{5, 3}, {{2, 1}, {2, 0, 2, 0}, {1, 1}, 1}},
          {{3, 3}, {{1, 1}, {2, 2, 2, 2}, {2, 2}, 4}},
          {{7, 7}, {{2, 2}, {6, 6, 6, 6}, {1, 1}, 1}},
          {{3, 3}, {{3, 3}, {0, 1, 2, 0}, {1, 1}, 1}}};
}

TEST(PatchSums, GiveAConvolutionsMeanWithoutRunningIt) {
  for (const Shaped& shaped : shapes()) {
    GraphMaker make({1, 4, 9, 8}, 1);
    make.conv(0, 8, shaped.kernel, shaped.attributes);
    const Graph graph = make.graph();
    const Tensor x = make.random_tensor({3, 4, 9, 8});
    const auto expected = channel_means(naive::run(graph, x)[1]);
    PatchSums sums(graph, 1);
    sums.add(x);
    const std::vector<double> means = sums.means();
    const Node& node = graph.node(1);
    const Tensor weight = node.weight("weight"), bias = node.weight("bias");
    const int64_t each = weight.count() / 8, outputs_a_group = 8 / shaped.attributes.groups;
    for (int64_t o = 0; o < 8; ++o) {
      double mean = double{bias.data<float>()[o]};
      for (int64_t i = 0; i < each; ++i) {
        mean += double{weight.data<float>()[o * each + i]} *
                means[static_cast<size_t>(o / outputs_a_group * each + i)];
      }
      EXPECT_NEAR(mean, expected[static_cast<size_t>(o)], 1e-6);
    }
  }
}

TEST(PatchSums, OfPartsAddUp) {
  GraphMaker make({1, 2, 6, 6}, 2);
  make.conv(0, 3, {3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1});
  const Graph graph = make.graph();
  const Tensor a = make.random_tensor({2, 2, 6, 6}), b = make.random_tensor({1, 2, 6, 6});
  PatchSums both(graph, 1), first(graph, 1), second(graph, 1);
  both.add(a), both.add(b), first.add(a), second.add(b);
  first.merge(second);
  const auto expected = both.means(), got = first.means();
  for (size_t i = 0; i < got.size(); ++i) EXPECT_DOUBLE_EQ(got[i], expected[i]);
}

TEST(BiasCorrection, GivesTheChannelsOfAnIntegerLayerTheirMeans) {
  for (const Shaped& shaped : shapes()) {
    GraphMaker make({1, 4, 9, 8}, 3);
    make.conv(0, 8, shaped.kernel, shaped.attributes);
    const Graph graph = make.graph();
    QuantizePlan plan;
    plan.wanted = [](const Node&) { return true; };
    plan.params = [](int) { return QuantParams{0.02F, 0, -127, 127}; };  // cuts what is large
    plan.highest_weight = 7;                                             // coarse
    const Graph integers = quantize_graph(graph, plan);
    const Tensor x = make.random_tensor({4, 4, 9, 8}, -1, 3);
    PatchSums exact(graph, 1), cut(graph, 1);
    exact.add(x);
    cut.add(rounded(x, plan.params(0)));
    const int layer = integers.find(graph.node(1).name);
    std::vector<Node> nodes = integers.nodes();
    Node& node = nodes[static_cast<size_t>(layer)];
    node = with_shifted_bias(node, mean_shift(graph.node(1), node, exact.means(), cut.means()));
    const Graph corrected = integers.with_nodes(nodes);
    const auto wanted = channel_means(naive::run(graph, x)[1]);
    const auto before = channel_means(naive::run(integers, x)[static_cast<size_t>(layer)]);
    const auto after = channel_means(naive::run(corrected, x)[static_cast<size_t>(layer)]);
    double error_before = 0, error_after = 0;
    for (size_t o = 0; o < wanted.size(); ++o) {
      error_before = std::max(error_before, std::abs(before[o] - wanted[o]));
      error_after = std::max(error_after, std::abs(after[o] - wanted[o]));
    }
    EXPECT_GT(error_before, 1e-3);
    EXPECT_LT(error_after, 1e-5);
  }
}

TEST(BiasCorrection, RoundsAsTheOneRuleSays) {
  const QuantParams all[] = {{0.02F, 0, -127, 127}, {0.3F, 17, 0, 255}, {1e-6F, 3, 0, 127},
                             {1e20F, 0, -128, 127}};
  std::vector<float> values{0, -0.0F, NAN, INFINITY, -INFINITY, 1e-40F, 3e38F, -3e38F};
  Random random(5);
  for (int i = 0; i < 5000; ++i) {
    values.push_back(static_cast<float>(random.normal() * std::pow(10, random.uniform(-7, 21))));
  }
  for (int i = -600; i < 600; ++i) values.push_back(static_cast<float>(i) * 0.5F * 0.25F);
  const Tensor x = Tensor::from({1, static_cast<int64_t>(values.size())}, values);
  for (const QuantParams& params : all) {
    const Tensor cut = rounded(x, params);
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(cut.data<float>()[i], dequantize(quantize(values[i], params), params)) << values[i];
    }
  }
  const QuantParams halves{0.25F, 0, -127, 127};
  const Tensor cut = rounded(x, halves);
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(cut.data<float>()[i], dequantize(quantize(values[i], halves), halves)) << values[i];
  }
}

TEST(BiasCorrection, MakesABiasWhereThereWasNone) {
  GraphMaker make({1, 2, 4, 4}, 4);
  make.conv(0, 3, {1, 1}, {}, false);
  const Node node = with_shifted_bias(make.graph().node(1), {1, 2, -3});
  EXPECT_FLOAT_EQ(node.weight("bias").data<float>()[2], -3);
}

}  // namespace
}  // namespace fpcls
