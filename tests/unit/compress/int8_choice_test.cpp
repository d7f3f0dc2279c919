#include "compress/int8_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "error_of.h"
#include "graph/quantize.h"
#include "reference/graph/naive_ops.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

/// conv, relu, conv, relu, pool, classifier.
Graph small_classifier() {
  GraphMaker make({1, 3, 8, 8}, 1);
  int node = make.add(Op::relu, {make.conv(0, 8, {3, 3})});
  node = make.add(Op::relu, {make.conv(node, 8, {1, 1})});
  node = make.add(Op::adaptive_avg_pool, {node}, AdaptivePoolAttributes{});
  node = make.add(Op::flatten, {node}, AxisAttributes{});
  make.linear(node, 2);
  return make.graph();
}

/// Histograms of every result of `graph` on a few inputs.
std::vector<CalibrationTensor> calibrate(const Graph& graph) {
  GraphMaker make(graph.input_shape(), 2);
  Shape shape = graph.input_shape();
  shape[0] = 8;
  const auto results = naive::run(graph, make.random_tensor(shape));
  std::vector<CalibrationTensor> tensors;
  for (int i = 0; i < graph.size(); ++i) {
    const std::vector<double>& values = results[static_cast<size_t>(i)].values;
    const std::vector<float> floats(values.begin(), values.end());
    tensors.push_back({graph.node(i).name, {}});
    tensors.back().values.add(floats.data(), floats.size());
  }
  return tensors;
}

TEST(Int8Choice, QuantizesConvolutionsAndKeepsTheClassifier) {
  const Graph graph = small_classifier();
  const Int8Choice choice = choose_int8(graph, calibrate(graph), {});
  ASSERT_EQ(choice.layers.size(), 3U);
  EXPECT_TRUE(choice.layers[0].int8);
  EXPECT_TRUE(choice.layers[1].int8);
  EXPECT_FALSE(choice.layers[2].int8);
  EXPECT_EQ(choice.layers[2].reason, "the classifier");
}

TEST(Int8Choice, RoundsWithAllOf8BitsWhereNothingIsNegative) {
  const Graph graph = small_classifier();
  const Int8Choice choice = choose_int8(graph, calibrate(graph), {});
  ASSERT_EQ(choice.rounded.size(), 2U);  // the input and the first ReLU's
  EXPECT_LT(choice.rounded[0].choice.params.lowest, 0);
  EXPECT_EQ(choice.rounded[1].choice.params.lowest, 0);
  EXPECT_EQ(choice.rounded[1].choice.params.zero_point, 0);
  EXPECT_EQ(choice.rounded[1].choice.params.highest, 255);
}

TEST(Int8Choice, Has7BitsOfWhatIsNeverNegativeAndElseOfWeights) {
  const Graph graph = small_classifier();
  Int8Options options;
  options.activation_bits = 7;
  options.highest_weight_of_signed = 63;
  const Int8Choice choice = choose_int8(graph, calibrate(graph), options);
  ASSERT_EQ(choice.rounded.size(), 2U);
  EXPECT_EQ(choice.rounded[0].choice.params.highest, 127);
  EXPECT_LT(choice.rounded[0].choice.params.lowest, 0);
  EXPECT_EQ(choice.rounded[1].choice.params.highest, 127);
  EXPECT_EQ(choice.rounded[1].choice.params.lowest, 0);
  std::vector<int> largest;
  for (const Node& node : choice.graph.nodes()) {
    if (!node.is_int8()) continue;
    const Tensor weight = node.weight("weight");
    const int8_t* begin = weight.data<int8_t>();
    largest.push_back(0);
    for (int64_t i = 0; i < weight.count(); ++i) {
      largest.back() = std::max(largest.back(), std::abs(int{begin[i]}));
    }
  }
  EXPECT_EQ(largest, (std::vector<int>{63, 127}));
}

TEST(Int8Choice, GivesNearlyTheSameResults) {
  const Graph graph = small_classifier();
  const Graph integers = choose_int8(graph, calibrate(graph), {}).graph;
  GraphMaker make(graph.input_shape(), 3);
  const Tensor x = make.random_tensor({1, 3, 8, 8});
  const auto a = naive::run(graph, x).back().values, b = naive::run(integers, x).back().values;
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 0.02);
}

TEST(Int8Choice, KeepsTheLayersThatItIsAskedTo) {
  const Graph graph = small_classifier();
  Int8Options options;
  options.keep = {graph.node(1).name};
  const Int8Choice choice = choose_int8(graph, calibrate(graph), options);
  EXPECT_FALSE(choice.layers[0].int8);
  EXPECT_EQ(choice.layers[0].reason, "asked for");
  EXPECT_TRUE(choice.layers[1].int8);
}

TEST(Int8Choice, GivesTheLayersThatItIsAskedToBf16Weights) {
  const Graph graph = small_classifier();
  const std::string first = graph.node(1).name, second = graph.node(3).name;
  Int8Options options;
  options.in_bf16 = {first};
  const Int8Choice choice = choose_int8(graph, calibrate(graph), options);
  EXPECT_FALSE(choice.layers[0].int8);
  EXPECT_TRUE(choice.layers[0].bf16);
  EXPECT_EQ(choice.layers[0].reason, "asked for");
  EXPECT_TRUE(choice.layers[1].int8);
  EXPECT_FALSE(choice.layers[1].bf16);
  EXPECT_TRUE(choice.graph.node(choice.graph.find(first)).is_bf16());
  EXPECT_TRUE(choice.graph.node(choice.graph.find(second)).is_int8());
  options.keep = {first};  // which says more
  const Int8Choice kept = choose_int8(graph, calibrate(graph), options);
  EXPECT_FALSE(kept.layers[0].bf16);
  EXPECT_FALSE(kept.graph.node(kept.graph.find(first)).is_bf16());
}

TEST(Int8Choice, RefusesABf16ClassifierAndUnknownLayersInBf16) {
  const Graph graph = small_classifier();
  Int8Options options;
  options.in_bf16 = {"conv9"};
  EXPECT_THAT(error_of([&] { choose_int8(graph, calibrate(graph), options); }),
              testing::HasSubstr("'conv9': is no conv or linear layer of the model"));
  options.in_bf16 = {graph.node(graph.size() - 1).name};
  EXPECT_THAT(error_of([&] { choose_int8(graph, calibrate(graph), options); }),
              testing::HasSubstr("is the classifier"));
}

TEST(Int8Choice, RefusesNamesThatAreNoLayers) {
  const Graph graph = small_classifier();
  Int8Options options;
  options.keep = {"conv9"};
  EXPECT_THAT(error_of([&] { choose_int8(graph, calibrate(graph), options); }),
              testing::HasSubstr("'conv9': is no conv or linear layer of the model"));
}

TEST(Int8Choice, KeepsALayerWhoseInputNobodyCounted) {
  const Graph graph = small_classifier();
  auto tensors = calibrate(graph);
  tensors.erase(tensors.begin());  // the input
  const Int8Choice choice = choose_int8(graph, tensors, {});
  EXPECT_FALSE(choice.layers[0].int8);
  EXPECT_EQ(choice.layers[0].reason, "the calibration has no values of 'input'");
  EXPECT_TRUE(choice.layers[1].int8);
}

TEST(Int8Choice, RefusesAGraphOfWhichNothingCanBecomeIntegers) {
  const Graph graph = small_classifier();
  EXPECT_THAT(error_of([&] { choose_int8(graph, {}, {}); }),
              testing::HasSubstr("no layer can be quantized"));
  GraphMaker make({1, 3, 4, 4}, 1);
  make.add(Op::relu, {0});
  const Graph without = make.graph();
  EXPECT_EQ(error_of([&] { choose_int8(without, {}, {}); }),
            "no layer has weights; there is nothing to quantize");
}

TEST(Int8Choice, RefusesToQuantizeAgain) {
  const Graph graph = small_classifier();
  const auto tensors = calibrate(graph);
  const Graph integers = choose_int8(graph, tensors, {}).graph;
  EXPECT_THAT(error_of([&] { choose_int8(integers, tensors, {}); }),
              testing::HasSubstr("is quantized already"));
}

TEST(Int8Choice, RefusesValuesThatAreNotFinite) {
  const Graph graph = small_classifier();
  auto tensors = calibrate(graph);
  const float nan = std::nanf("");
  tensors[0].values.add(&nan, 1);
  EXPECT_THAT(error_of([&] { choose_int8(graph, tensors, {}); }),
              testing::HasSubstr("layer 'input': 1 values are NaN or infinite"));
}

TEST(Int8Choice, TakesALayerThatNeverFires) {
  const Graph graph = small_classifier();
  auto tensors = calibrate(graph);
  Histogram dark;
  const std::vector<float> zeros(100, 0.0F);
  dark.add(zeros.data(), zeros.size());
  tensors[2].values = dark;  // the first ReLU's
  const Int8Choice choice = choose_int8(graph, tensors, {});
  EXPECT_EQ(choice.rounded[1].choice.params.scale, 1);
}

}  // namespace
}  // namespace fpcls
