#include "graph/graph.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace fpcls {
namespace {

using testing::HasSubstr;

Tensor zeros(const Shape& shape) {
  return Tensor::from<float>(shape, std::vector<float>(static_cast<size_t>(element_count(shape))));
}

Node conv(const std::string& name, int input, const Shape& weight, ConvAttributes attributes = {}) {
  return {Op::conv, name, {input}, attributes, {{"weight", zeros(weight)}}};
}

Node batch_norm(const std::string& name, int input, int64_t channels) {
  Node node{Op::batch_norm, name, {input}, NormAttributes{}, {}};
  for (const char* key : {"weight", "bias", "running_mean", "running_var"}) {
    node.weights[key] = zeros({channels});
  }
  return node;
}

/// input {1, 3, 8, 8} - conv to 4 channels - batch norm - relu - mean - flatten - linear to 2.
std::vector<Node> small_network() {
  return {{Op::input, "input", {}, {}, {}},
          conv("conv", 0, {4, 3, 3, 3}, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1}),
          batch_norm("bn", 1, 4),
          {Op::relu, "relu", {2}, {}, {}},
          {Op::adaptive_avg_pool, "pool", {3}, AdaptivePoolAttributes{}, {}},
          {Op::flatten, "flatten", {4}, AxisAttributes{1}, {}},
          {Op::linear, "fc", {5}, {}, {{"weight", zeros({2, 4})}, {"bias", zeros({2})}}}};
}

const Shape kInput{1, 3, 8, 8};

/// What the constructor says to `nodes`; empty when it takes them.
std::string complaint(std::vector<Node> nodes, Shape input = kInput, int output = -1) {
  if (output == -1) output = static_cast<int>(nodes.size()) - 1;
  try {
    Graph(std::move(input), std::move(nodes), {{"logits", output}}, "some.pt");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Shape shape_of(const Node& node, const std::vector<Shape>& inputs) {
  return infer_shape(node, inputs);
}

std::string shape_complaint(const Node& node, const std::vector<Shape>& inputs) {
  try {
    infer_shape(node, inputs);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Graph, InfersTheShapeOfEveryNode) {
  const Graph graph(kInput, small_network(), {{"logits", 6}});
  EXPECT_EQ(graph.input_shape(), kInput);
  EXPECT_EQ(graph.shape(1), (Shape{1, 4, 4, 4}));
  EXPECT_EQ(graph.shape(3), (Shape{1, 4, 4, 4}));
  EXPECT_EQ(graph.shape(4), (Shape{1, 4, 1, 1}));
  EXPECT_EQ(graph.shape(5), (Shape{1, 4}));
  EXPECT_EQ(graph.shape(6), (Shape{1, 2}));
  EXPECT_EQ(graph.output_count(), 2);
  EXPECT_EQ(graph.find("fc"), 6);
  EXPECT_EQ(graph.find("nothing"), -1);
}

TEST(Graph, CountsParametersWithoutRunningStatistics) {
  const Graph graph(kInput, small_network(), {{"logits", 6}});
  EXPECT_EQ(parameter_count(graph.node(2)), 8);
  EXPECT_EQ(parameter_count(graph), 4 * 3 * 3 * 3 + 8 + 2 * 4 + 2);
}

TEST(Graph, CountsMultiplyAccumulatesOfConvAndLinear) {
  const Graph graph(kInput, small_network(), {{"logits", 6}});
  EXPECT_EQ(mac_count(graph, 1), 4 * 4 * 4 * 3 * 3 * 3);
  EXPECT_EQ(mac_count(graph, 2), 0);
  EXPECT_EQ(mac_count(graph, 6), 2 * 4);
  EXPECT_EQ(mac_count(graph), 4 * 4 * 4 * 27 + 8);
}

TEST(Graph, CountsAGroupedConvByItsGroup) {
  ConvAttributes grouped;
  grouped.groups = 4;
  const Graph graph({1, 8, 5, 5},
                    {{Op::input, "input", {}, {}, {}}, conv("conv", 0, {4, 2, 1, 1}, grouped)},
                    {{"y", 1}});
  EXPECT_EQ(mac_count(graph), 4 * 5 * 5 * 2);
}

TEST(Graph, RefusesAnInputThatIsNoPicture) {
  EXPECT_THAT(complaint(small_network(), {2, 3, 8, 8}),
              HasSubstr("some.pt: input has shape [2, 3, 8, 8], expected [1, C, H, W]"));
  EXPECT_THAT(complaint(small_network(), {3, 8, 8}), HasSubstr("expected [1, C, H, W]"));
  EXPECT_THAT(complaint(small_network(), {1, 3, 0, 8}), HasSubstr("expected extents of 1 or more"));
  EXPECT_THAT(complaint(small_network(), {1, 3, -8, -8}), HasSubstr("extents"));
}

TEST(Graph, RefusesExtentsWhoseProductOverflows) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  EXPECT_THAT(complaint(small_network(), {1, kHuge, kHuge, 4}), HasSubstr("at most 2147483648"));
  EXPECT_THAT(complaint(small_network(), {1, 3, 1 << 20, 1 << 20}), HasSubstr("at most"));
}

TEST(Graph, RefusesNodesWithoutAnInput) {
  EXPECT_THAT(complaint({}), HasSubstr("the first node is not the input"));
  EXPECT_THAT(complaint({{Op::relu, "relu", {}, {}, {}}}),
              HasSubstr("first node is not the input"));
}

TEST(Graph, RefusesASecondInput) {
  auto nodes = small_network();
  nodes[3] = {Op::input, "more", {}, {}, {}};
  EXPECT_THAT(complaint(nodes), HasSubstr("layer 'more': is a second input"));
}

TEST(Graph, RefusesAnInputWithEdges) {
  auto nodes = small_network();
  nodes[0].inputs = {0};
  EXPECT_THAT(complaint(nodes), HasSubstr("layer 'input': reads node 0"));
}

TEST(Graph, RefusesEdgesToLaterMissingOrNegativeNodes) {
  for (const int input : {3, 4, 99, -1}) {
    auto nodes = small_network();
    nodes[3].inputs = {input};
    EXPECT_THAT(complaint(nodes), HasSubstr("layer 'relu': reads node")) << input;
  }
}

TEST(Graph, RefusesNamesThatAreEmptyOrGivenTwice) {
  auto nodes = small_network();
  nodes[3].name = "conv";
  EXPECT_THAT(complaint(nodes), HasSubstr("two layers are called 'conv'"));
  nodes[3].name = "";
  EXPECT_THAT(complaint(nodes), HasSubstr("node 3 (relu) has no name"));
}

TEST(Graph, RefusesWrongOutputs) {
  EXPECT_THAT(complaint(small_network(), kInput, 7), HasSubstr("output 'logits': is node 7"));
  EXPECT_THAT(complaint(small_network(), kInput, -2), HasSubstr("is node -2"));
  EXPECT_THROW(Graph(kInput, small_network(), {}), Error);
  EXPECT_THROW(Graph(kInput, small_network(), {{"y", 6}, {"y", 5}}), Error);
  EXPECT_THROW(Graph(kInput, small_network(), {{"", 6}}), Error);
}

TEST(Graph, RefusesWeightsThatDontFit) {
  auto nodes = small_network();
  nodes[1].weights["weight"] = zeros({4, 5, 3, 3});
  EXPECT_THAT(complaint(nodes), HasSubstr("layer 'conv': conv has weight of shape [4, 5, 3, 3]"));
  nodes[1].weights.clear();
  EXPECT_THAT(complaint(nodes), HasSubstr("conv has no weight"));
  nodes = small_network();
  nodes[6].weights["bias"] = zeros({3});
  EXPECT_THAT(complaint(nodes), HasSubstr("linear has bias of shape [3], expected [2]"));
  nodes = small_network();
  nodes[2].weights.erase("running_var");
  EXPECT_THAT(complaint(nodes), HasSubstr("batch_norm has no running_var"));
  nodes = small_network();
  nodes[2].weights["running_var"] = Tensor::from<int32_t>({4}, {1, 1, 1, 1});
  EXPECT_THAT(complaint(nodes), HasSubstr("has running_var of type i32, expected f32"));
  nodes = small_network();
  nodes[3].weights["weight"] = zeros({4});
  EXPECT_THAT(complaint(nodes), HasSubstr("relu has an unexpected weight 'weight'"));
}

TEST(Graph, RefusesAttributesOfAnotherOp) {
  auto nodes = small_network();
  nodes[1].attributes = PoolAttributes{};
  EXPECT_THAT(complaint(nodes), HasSubstr("layer 'conv': conv has attributes of another op"));
  nodes = small_network();
  nodes[3].attributes = AxisAttributes{};
  EXPECT_THAT(complaint(nodes), HasSubstr("relu has attributes of another op"));
}

TEST(Graph, ChecksNodesThatReplaceOthers) {
  const Graph graph(kInput, small_network(), {{"logits", 6}});
  auto nodes = graph.nodes();
  nodes[6].weights["weight"] = zeros({7, 4});
  nodes[6].weights.erase("bias");
  EXPECT_EQ(graph.with_nodes(nodes).output_count(), 7);
  nodes[6].weights["weight"] = zeros({7, 5});
  EXPECT_THROW(graph.with_nodes(nodes), Error);
}

TEST(CheckFinite, NamesTheLayerWithNanOrInfinity) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), inf, -inf}) {
    auto nodes = small_network();
    nodes[2].weights["bias"] = Tensor::from<float>({4}, {0, 1, 2, bad});
    const Graph graph(kInput, nodes, {{"logits", 6}});
    try {
      check_finite(graph, "m.pt");
      FAIL() << "took " << bad;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("m.pt: layer 'bn': bias has NaN or infinite values"));
    }
  }
}

TEST(CheckFinite, TakesEveryFiniteNumber) {
  auto nodes = small_network();
  constexpr float kMax = std::numeric_limits<float>::max();
  nodes[2].weights["bias"] =
      Tensor::from<float>({4}, {kMax, -kMax, std::numeric_limits<float>::denorm_min(), -0.0F});
  EXPECT_NO_THROW(check_finite(Graph(kInput, nodes, {{"logits", 6}}), "m.pt"));
}

// Sizes that PyTorch gives for the same arguments.
TEST(InferShape, GivesPyTorchsSizesForWindows) {
  const Shape input{1, 4, 23, 17};
  EXPECT_EQ(shape_of(conv("c", 0, {8, 4, 7, 7}, {{2, 2}, {3, 3, 3, 3}, {1, 1}, 1}), {input}),
            (Shape{1, 8, 12, 9}));
  EXPECT_EQ(shape_of(conv("c", 0, {8, 4, 3, 3}, {{1, 1}, {0, 0, 0, 0}, {2, 3}, 1}), {input}),
            (Shape{1, 8, 19, 11}));
  EXPECT_EQ(shape_of(conv("c", 0, {8, 4, 2, 2}, {{1, 1}, {0, 0, 1, 1}, {1, 1}, 1}), {input}),
            (Shape{1, 8, 23, 17}));
  PoolAttributes pool{{3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, false, false};
  EXPECT_EQ(shape_of({Op::max_pool, "p", {0}, pool, {}}, {input}), (Shape{1, 4, 12, 9}));
  pool.padding = {0, 0, 0, 0};
  pool.ceil_mode = true;
  EXPECT_EQ(shape_of({Op::max_pool, "p", {0}, pool, {}}, {{1, 4, 24, 24}}), (Shape{1, 4, 12, 12}));
  EXPECT_EQ(shape_of({Op::max_pool, "p", {0}, pool, {}}, {{1, 4, 23, 23}}), (Shape{1, 4, 11, 11}));
}

TEST(InferShape, LeavesOutAWindowThatBeginsInThePadding) {
  // PyTorch: max_pool2d(kernel 2, stride 3, padding 1, ceil) gives 3 for 6 and 2 for 5.
  const PoolAttributes pool{{2, 2}, {3, 3}, {1, 1, 1, 1}, {1, 1}, true, false};
  EXPECT_EQ(shape_of({Op::max_pool, "p", {0}, pool, {}}, {{1, 1, 6, 5}}), (Shape{1, 1, 3, 2}));
}

TEST(InferShape, KeepsTheBatch) {
  EXPECT_EQ(shape_of(conv("c", 0, {8, 4, 1, 1}), {{5, 4, 2, 2}}), (Shape{5, 8, 2, 2}));
  EXPECT_EQ(shape_of({Op::flatten, "f", {0}, AxisAttributes{1}, {}}, {{5, 4, 2, 2}}),
            (Shape{5, 16}));
}

TEST(InferShape, BroadcastsAsNumpy) {
  const Node mul{Op::mul, "m", {0, 1}, {}, {}};
  EXPECT_EQ(shape_of(mul, {{1, 8, 4, 4}, {1, 8, 1, 1}}), (Shape{1, 8, 4, 4}));
  EXPECT_EQ(shape_of(mul, {{1, 1, 4, 1}, {1, 8, 1, 3}}), (Shape{1, 8, 4, 3}));
  EXPECT_THAT(shape_complaint(mul, {{1, 8, 4, 4}, {1, 4, 1, 1}}), HasSubstr("don't fit together"));
  EXPECT_THAT(shape_complaint(mul, {{1, 8}, {1, 8, 1, 1}}), HasSubstr("don't fit together"));
  EXPECT_THAT(shape_complaint(mul, {{1, 8}}), HasSubstr("reads 1 inputs, expected 2"));
}

TEST(InferShape, JoinsAlongOneAxis) {
  const Node concat{Op::concat, "c", {0, 1, 2}, AxisAttributes{1}, {}};
  EXPECT_EQ(shape_of(concat, {{1, 2, 4}, {1, 3, 4}, {1, 1, 4}}), (Shape{1, 6, 4}));
  EXPECT_THAT(shape_complaint(concat, {{1, 2, 4}, {1, 3, 5}}), HasSubstr("don't fit together"));
  EXPECT_THAT(shape_complaint(concat, {{1, 2, 4}, {1, 3}}), HasSubstr("don't fit together"));
  EXPECT_THAT(shape_complaint(concat, {{1, 2, 4}}), HasSubstr("2 or more"));
}

TEST(InferShape, RefusesAxesThatArentThere) {
  for (const int64_t axis : {int64_t{0}, int64_t{-1}, int64_t{2}, INT64_MAX, INT64_MIN}) {
    const Node softmax{Op::softmax, "s", {0}, AxisAttributes{axis}, {}};
    EXPECT_THAT(shape_complaint(softmax, {{1, 2}}), HasSubstr("has axis")) << axis;
  }
}

TEST(InferShape, RefusesAWindowLargerThanItsInput) {
  EXPECT_THAT(shape_complaint(conv("c", 0, {8, 4, 5, 5}), {{1, 4, 4, 4}}),
              HasSubstr("a kernel that reaches over 5"));
}

TEST(InferShape, RefusesAbsurdAttributes) {
  const Shape input{1, 4, 9, 9};
  for (const int64_t bad : {int64_t{0}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
    ConvAttributes stride, dilation, groups;
    stride.stride[0] = bad;
    dilation.dilation[1] = bad;
    groups.groups = bad;
    EXPECT_THAT(shape_complaint(conv("c", 0, {8, 4, 1, 1}, stride), {input}), HasSubstr("stride"));
    EXPECT_THAT(shape_complaint(conv("c", 0, {8, 4, 1, 1}, dilation), {input}),
                HasSubstr("dilation"));
    EXPECT_THAT(shape_complaint(conv("c", 0, {8, 4, 1, 1}, groups), {input}), HasSubstr("groups"));
    PoolAttributes kernel;
    kernel.kernel[0] = bad;
    EXPECT_THAT(shape_complaint({Op::avg_pool, "p", {0}, kernel, {}}, {input}),
                HasSubstr("kernel"));
    const AdaptivePoolAttributes output{{1, bad}};
    EXPECT_THAT(shape_complaint({Op::adaptive_avg_pool, "p", {0}, output, {}}, {input}),
                HasSubstr("output size"));
  }
  ConvAttributes padding;
  padding.padding[2] = INT64_MAX;
  EXPECT_THAT(shape_complaint(conv("c", 0, {8, 4, 1, 1}, padding), {input}), HasSubstr("padding"));
}

TEST(InferShape, RefusesPoolsThatMayPoolOnlyPadding) {
  PoolAttributes pool{{2, 2}, {2, 2}, {2, 0, 0, 0}, {1, 1}, false, false};
  EXPECT_THAT(shape_complaint({Op::max_pool, "p", {0}, pool, {}}, {{1, 4, 8, 8}}),
              HasSubstr("at most half of its kernel 2"));
}

TEST(InferShape, RefusesGroupsThatDontDivide) {
  ConvAttributes grouped;
  grouped.groups = 3;
  EXPECT_THAT(shape_complaint(conv("c", 0, {8, 2, 1, 1}, grouped), {{1, 6, 4, 4}}),
              HasSubstr("8 output channels in 3 groups"));
  EXPECT_THAT(shape_complaint(conv("c", 0, {9, 2, 1, 1}, grouped), {{1, 7, 4, 4}}),
              HasSubstr("doesn't suit its input [1, 7, 4, 4]"));
}

TEST(InferShape, RefusesNormsWithAnEpsilonOutOfRange) {
  for (const double bad : {-1e-9, std::nan(""), 2.0}) {
    Node node = batch_norm("bn", 0, 4);
    node.attributes = NormAttributes{bad, 0.1};
    EXPECT_THAT(shape_complaint(node, {{1, 4, 2, 2}}), HasSubstr("has epsilon"));
    node.attributes = NormAttributes{1e-5, bad};
    EXPECT_THAT(shape_complaint(node, {{1, 4, 2, 2}}), HasSubstr("has momentum"));
  }
}

Node affine(std::map<std::string, Tensor> weights, bool learned = true) {
  return {Op::affine, "a", {0}, AffineAttributes{learned}, std::move(weights)};
}

TEST(InferShape, TakesConstantsThatBroadcastToTheInput) {
  const Shape input{1, 4, 6, 5};
  for (const Shape& shape : {Shape{1, 1, 1, 1}, {1, 4, 1, 1}, {1, 1, 6, 5}, input}) {
    EXPECT_EQ(shape_of(affine({{"scale", zeros(shape)}}), {input}), input);
  }
  for (const Shape& shape : {Shape{4}, {1, 3, 1, 1}, {2, 4, 1, 1}, {4, 6, 5}}) {
    EXPECT_THAT(shape_complaint(affine({{"shift", zeros(shape)}}), {input}),
                HasSubstr("has shift of shape " + shape_text(shape)));
  }
  EXPECT_THAT(shape_complaint(affine({}), {input}), HasSubstr("neither scale nor shift"));
  EXPECT_THAT(shape_complaint(affine({{"weight", zeros({1, 1, 1, 1})}}), {input}),
              HasSubstr("unexpected weight 'weight'"));
  EXPECT_EQ(shape_of(affine({{"scale", zeros({1, 4, 1, 1})}}), {{3, 4, 6, 5}}),
            (Shape{3, 4, 6, 5}));
}

TEST(Graph, CountsOnlyLearnedConstantsAsParameters) {
  EXPECT_EQ(parameter_count(affine({{"scale", zeros({1, 4, 1, 1})}})), 4);
  EXPECT_EQ(parameter_count(affine({{"scale", zeros({1, 4, 1, 1})}}, /*learned=*/false)), 0);
}

TEST(InferShape, NormalisesOverTheLastAxes) {
  const Shape input{1, 4, 6, 5};
  Node node{Op::layer_norm, "n", {0}, LayerNormAttributes{2, 1e-6}, {}};
  EXPECT_EQ(shape_of(node, {input}), input);
  node.weights["weight"] = zeros({6, 5});
  EXPECT_EQ(shape_of(node, {input}), input);
  node.weights["bias"] = zeros({5});
  EXPECT_THAT(shape_complaint(node, {input}), HasSubstr("bias of shape [5], expected"));
  for (const int64_t axis : {int64_t{0}, int64_t{4}, int64_t{-1}, INT64_MAX}) {
    node.attributes = LayerNormAttributes{axis, 1e-6};
    EXPECT_THAT(shape_complaint(node, {input}), HasSubstr("has axis")) << axis;
  }
  node.attributes = LayerNormAttributes{3, std::nan("")};
  EXPECT_THAT(shape_complaint(node, {input}), HasSubstr("has epsilon"));
}

TEST(InferShape, MultipliesMatricesAxisByAxis) {
  const Node node{Op::matmul, "m", {0, 1}, {}, {}};
  EXPECT_EQ(shape_of(node, {{2, 3, 4, 5}, {2, 3, 5, 7}}), (Shape{2, 3, 4, 7}));
  EXPECT_THAT(shape_complaint(node, {{1, 3, 4, 5}, {1, 3, 4, 5}}), HasSubstr("expected [N, "));
  EXPECT_THAT(shape_complaint(node, {{1, 3, 4, 5}, {1, 1, 5, 7}}), HasSubstr("expected [N, "));
  EXPECT_THAT(shape_complaint(node, {{1, 5}, {1, 5}}), HasSubstr("expected [N, "));
  EXPECT_THAT(shape_complaint(node, {{1, 4, 5}, {1, 1, 5, 4}}), HasSubstr("expected [N, "));
  const Graph graph({1, 3, 4, 4},
                    {{Op::input, "input", {}, {}, {}}, {Op::matmul, "m", {0, 0}, {}, {}}},
                    {{"y", 1}});
  EXPECT_EQ(mac_count(graph), 3 * 4 * 4 * 4);
}

TEST(InferShape, ReshapesWithoutTheBatch) {
  const auto reshape = [](const Shape& shape) {
    return Node{Op::reshape, "r", {0}, ReshapeAttributes{shape}, {}};
  };
  EXPECT_EQ(shape_of(reshape({6, 4, 5}), {{3, 4, 6, 5}}), (Shape{3, 6, 4, 5}));
  EXPECT_EQ(shape_of(reshape({120}), {{1, 4, 6, 5}}), (Shape{1, 120}));
  for (const Shape& bad :
       {Shape{}, {-1}, {0}, {119}, {INT64_MAX, INT64_MAX}, {1 << 20, 1 << 20}, Shape(9, 1)}) {
    EXPECT_NE(shape_complaint(reshape(bad), {{1, 4, 6, 5}}), "") << shape_text(bad);
  }
}

TEST(InferShape, PermutesAllAxesButTheBatch) {
  const auto permute = [](const std::vector<int64_t>& axes) {
    return Node{Op::permute, "p", {0}, PermuteAttributes{axes}, {}};
  };
  EXPECT_EQ(shape_of(permute({0, 2, 3, 1}), {{1, 4, 6, 5}}), (Shape{1, 6, 5, 4}));
  for (const std::vector<int64_t>& bad : {std::vector<int64_t>{},
                                          {0, 1, 2},
                                          {1, 0, 2, 3},
                                          {0, 1, 2, 2},
                                          {0, 1, 2, 4},
                                          {0, -1, 2, 3}}) {
    EXPECT_THAT(shape_complaint(permute(bad), {{1, 4, 6, 5}}), HasSubstr("0 first"));
  }
}

TEST(InferShape, SlicesWithinTheAxis) {
  const auto slice = [](const SliceAttributes& part) {
    return Node{Op::slice, "s", {0}, part, {}};
  };
  const Shape input{1, 7, 6};
  EXPECT_EQ(shape_of(slice({1, 1, 7, 2}), {input}), (Shape{1, 3, 6}));
  EXPECT_EQ(shape_of(slice({1, 1, 6, 2}), {input}), (Shape{1, 3, 6}));
  EXPECT_EQ(shape_of(slice({2, 5, 6, 9}), {input}), (Shape{1, 7, 1}));
  const std::vector<SliceAttributes> bad{{0, 0, 1, 1}, {3, 0, 1, 1},        {1, 0, 8, 1},
                                         {1, 3, 3, 1}, {1, -1, 3, 1},       {1, 0, 3, 0},
                                         {1, 0, 0, 1}, {1, 0, INT64_MAX, 1}};
  for (const SliceAttributes& part : bad) EXPECT_NE(shape_complaint(slice(part), {input}), "");
}

TEST(InferShape, PadsEveryAxisButTheBatch) {
  const auto pad = [](const PadAttributes& attributes) {
    return Node{Op::pad, "p", {0}, attributes, {}};
  };
  EXPECT_EQ(shape_of(pad({{0, 1, 0}, {0, 2, 3}, 0}), {{1, 7, 6}}), (Shape{1, 10, 9}));
  const std::vector<PadAttributes> bad{{{0, 1}, {0, 1}, 0},
                                       {{0, 1, 1}, {0, 1}, 0},
                                       {{1, 0, 0}, {0, 0, 0}, 0},
                                       {{0, -1, 0}, {0, 0, 0}, 0},
                                       {{0, INT64_MAX, 0}, {0, 0, 0}, 0},
                                       {{0, 0, 0}, {0, 0, 0}, std::nan("")}};
  for (const PadAttributes& attributes : bad) {
    EXPECT_NE(shape_complaint(pad(attributes), {{1, 7, 6}}), "");
  }
}

TEST(InferShape, RefusesNumbersThatAreNone) {
  EXPECT_THAT(
      shape_complaint({Op::leaky_relu, "l", {0}, LeakyAttributes{std::nan("")}, {}}, {{1, 2}}),
      HasSubstr("has slope nan"));
  EXPECT_THAT(shape_complaint({Op::pow, "p", {0}, PowerAttributes{HUGE_VAL}, {}}, {{1, 2}}),
              HasSubstr("has exponent inf"));
  EXPECT_THAT(shape_complaint({Op::pow, "p", {0}, {}, {}}, {{1, 2}}),
              HasSubstr("attributes of another op"));
}

}  // namespace
}  // namespace fpcls
