#include "model/initial_weights.h"

#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "graph/bf16.h"
#include "model/resnet.h"

namespace fpcls {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;

Tensor numbers(const Shape& shape, float value) {
  return Tensor::from<float>(shape,
                             std::vector<float>(static_cast<size_t>(element_count(shape)), value));
}

std::vector<float> values(const Tensor& tensor) {
  return {tensor.data<float>(), tensor.data<float>() + tensor.count()};
}

/// Every kind of layer that holds numbers, all of them 7.
Graph sevens() {
  std::vector<Node> nodes;
  const auto add = [&](Op op, const char* name, Attributes attributes,
                       std::map<std::string, Tensor> weights) {
    std::vector<int> inputs;
    if (!nodes.empty()) inputs.push_back(static_cast<int>(nodes.size()) - 1);
    nodes.push_back({op, name, inputs, std::move(attributes), std::move(weights)});
  };
  add(Op::input, "input", {}, {});
  add(Op::affine, "normalise", AffineAttributes{false}, {{"scale", numbers({1, 3, 1, 1}, 7)}});
  add(Op::conv, "conv", ConvAttributes{},
      {{"weight", numbers({256, 3, 1, 1}, 7)}, {"bias", numbers({256}, 7)}});
  std::map<std::string, Tensor> norm;
  for (const char* key : {"weight", "bias", "running_mean", "running_var"}) {
    norm[key] = numbers({256}, 7);
  }
  add(Op::batch_norm, "norm", NormAttributes{}, norm);
  add(Op::affine, "factor", AffineAttributes{},
      {{"scale", numbers({1, 256, 1, 1}, 7)}, {"shift", numbers({1, 1, 1, 1}, 7)}});
  add(Op::adaptive_avg_pool, "pool", AdaptivePoolAttributes{{1, 1}}, {});
  add(Op::flatten, "flatten", AxisAttributes{1}, {});
  add(Op::layer_norm, "layer_norm", LayerNormAttributes{},
      {{"weight", numbers({256}, 7)}, {"bias", numbers({256}, 7)}});
  add(Op::linear, "fc", {}, {{"weight", numbers({8, 256}, 7)}, {"bias", numbers({8}, 7)}});
  return Graph({1, 3, 4, 4}, nodes, {{"logits", static_cast<int>(nodes.size()) - 1}});
}

std::vector<float> weight_of(const Graph& graph, const char* layer, const char* key) {
  return values(graph.node(graph.find(layer)).weight(key));
}

TEST(InitialWeights, AreWhatEachKindOfLayerBeginsWith) {
  const Graph graph = with_initial_weights(sevens(), 1);
  EXPECT_THAT(weight_of(graph, "normalise", "scale"), Each(7));  // is no weight
  EXPECT_THAT(weight_of(graph, "conv", "bias"), Each(0));
  for (const char* key : {"weight", "running_var"}) {
    EXPECT_THAT(weight_of(graph, "norm", key), Each(1));
  }
  for (const char* key : {"bias", "running_mean"}) {
    EXPECT_THAT(weight_of(graph, "norm", key), Each(0));
  }
  EXPECT_THAT(weight_of(graph, "factor", "scale"), Each(1));
  EXPECT_THAT(weight_of(graph, "factor", "shift"), Each(0));
  EXPECT_THAT(weight_of(graph, "layer_norm", "weight"), Each(1));
  EXPECT_THAT(weight_of(graph, "layer_norm", "bias"), Each(0));
  double squares = 0;
  for (const float w : weight_of(graph, "conv", "weight")) squares += double{w} * double{w};
  EXPECT_NEAR(squares / (256 * 3), 2.0 / 256, 2.0 / 256 * 0.15);
  for (const char* key : {"weight", "bias"}) {
    const std::vector<float> fc = weight_of(graph, "fc", key);
    EXPECT_THAT(fc, Each(AllOf(testing::Ge(-1.0F / 16), testing::Le(1.0F / 16))));
    EXPECT_GT(*std::max_element(fc.begin(), fc.end()), 0.0);
    EXPECT_LT(*std::min_element(fc.begin(), fc.end()), 0.0);
  }
}

TEST(InitialWeights, KeepTheNetworkAndDependOnNothingButItAndTheSeed) {
  const Graph graph = sevens();
  const Graph once = with_initial_weights(graph, 1);
  const Graph again = with_initial_weights(once, 1);
  const Graph other = with_initial_weights(graph, 2);
  ASSERT_EQ(once.size(), graph.size());
  for (int i = 0; i < graph.size(); ++i) {
    EXPECT_EQ(once.node(i).name, graph.node(i).name);
    EXPECT_EQ(once.shape(i), graph.shape(i));
    for (const auto& [key, tensor] : once.node(i).weights) {
      EXPECT_EQ(tensor.bytes(), again.node(i).weight(key).bytes());
    }
  }
  EXPECT_NE(weight_of(once, "conv", "weight"), weight_of(other, "conv", "weight"));
  EXPECT_NE(weight_of(once, "fc", "weight"), weight_of(other, "fc", "weight"));
}

TEST(InitialWeights, OfAKnownArchitectureAreThoseItIsBuiltWith) {
  ResNetSpec spec;
  spec.width_multiplier = 0.125;
  spec.height = spec.width = 32;
  spec.seed = 5;
  const Graph built = build_resnet(spec);
  spec.seed = 6;
  const Graph renewed = with_initial_weights(build_resnet(spec), 5);
  for (int i = 0; i < built.size(); ++i) {
    for (const auto& [key, tensor] : built.node(i).weights) {
      EXPECT_EQ(tensor.bytes(), renewed.node(i).weight(key).bytes()) << built.node(i).name << key;
    }
  }
}

TEST(InitialWeights, OfIntegersAreRefusedWithTheLayersName) {
  std::vector<Node> nodes = sevens().nodes();
  Node& fc = nodes.back();
  fc.weights["weight"] = Tensor::from<int8_t>({8, 256}, std::vector<int8_t>(8 * 256, 1));
  fc.weights["weight_scale"] = numbers({8}, 0.1F);
  const QuantizeAttributes rounding{{1.0F, 0, 0, 255}};
  nodes.insert(nodes.end() - 1, Node{Op::quantize, "rounded", {7}, rounding, {}});
  nodes.back().inputs = {8};
  const Graph graph({1, 3, 4, 4}, nodes, {{"logits", 9}});
  try {
    with_initial_weights(graph, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("layer 'rounded' holds i8 numbers"));
  }
}

TEST(InitialWeights, OfBf16AreRefusedWithTheLayersName) {
  std::vector<Node> nodes = sevens().nodes();
  Node& fc = nodes.back();
  fc.weights["weight"] = as_bf16(fc.weights.at("weight"));
  const Graph graph({1, 3, 4, 4}, nodes, {{"logits", static_cast<int>(nodes.size()) - 1}});
  try {
    with_initial_weights(graph, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(fc.name + "' holds bf16 numbers"));
  }
}

}  // namespace
}  // namespace fpcls
