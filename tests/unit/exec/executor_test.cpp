#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <thread>

#include "base/threads.h"
#include "error_of.h"
#include "exec/backend.h"
#include "exec/pixels.h"
#include "graph/attention.h"
#include "graph/bf16.h"
#include "graph/fold.h"
#include "graph/quantize.h"
#include "reference/graph/naive_ops.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

/// Every test holds for each executor.
class ExecutorOf : public testing::TestWithParam<ExecutorKind> {
 protected:
  static std::unique_ptr<Executor> executor(const Graph& graph, int threads = 1,
                                            FloatType float_type = FloatType::f32) {
    Preprocessing preprocessing;
    preprocessing.height = static_cast<int>(graph.input_shape()[2]);
    preprocessing.width = static_cast<int>(graph.input_shape()[3]);
    return make_executor(GetParam(), graph, preprocessing, {"cpu", threads, float_type});
  }

  void expect_as_naive(const Graph& graph, const Tensor& x);
};

Shape with_batch(Shape shape, int64_t batch) {
  shape[0] = batch;
  return shape;
}

double largest_difference(const Tensor& got, const naive::Array& expected) {
  EXPECT_EQ(static_cast<size_t>(got.count()), expected.values.size());
  double largest = 0;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    const double want = expected.values[i];
    const double difference = std::abs(got.data<float>()[i] - want);
    if (!(difference <= 1e9)) return 1e9;
    largest = std::max(largest, difference / std::max(1.0, std::abs(want)));
  }
  return largest;
}

/// Compares each result that is computed, and each step run alone, with the naive one.
void ExecutorOf::expect_as_naive(const Graph& graph, const Tensor& x) {
  const std::vector<naive::Array> expected = naive::run(graph, x);
  const auto naive_tensor = [&](int node) {
    const naive::Array& array = expected[static_cast<size_t>(node)];
    return Tensor::from(array.shape, std::vector<float>(array.values.begin(), array.values.end()));
  };
  const naive::Array& output = expected[static_cast<size_t>(graph.outputs()[0].node)];
  const auto ready = executor(graph);
  EXPECT_LT(largest_difference(ready->run(x), output), 2e-5);
  std::vector<int> seen;
  ready->run(x, [&](const NodeResult& shown) {
    seen.push_back(shown.node);
    const naive::Array& want = expected[static_cast<size_t>(shown.node)];
    const Tensor result = shown.values();
    EXPECT_EQ(result.shape(), want.shape) << graph.node(shown.node).name;
    EXPECT_LT(largest_difference(result, want), 2e-5) << graph.node(shown.node).name;
  });
  const std::vector<ExecutorStep> steps = ready->steps();
  ASSERT_EQ(seen.size(), steps.size() + 1);
  EXPECT_EQ(seen[0], 0);
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(seen[i + 1], steps[i].node);
    std::vector<Tensor> inputs;
    for (const int node : steps[i].inputs) inputs.push_back(naive_tensor(node));
    const Tensor alone = ready->run_step(static_cast<int>(i), inputs);
    const naive::Array& want = expected[static_cast<size_t>(steps[i].node)];
    EXPECT_EQ(alone.shape(), want.shape) << graph.node(steps[i].node).name;
    EXPECT_LT(largest_difference(alone, want), 2e-5) << graph.node(steps[i].node).name;
  }
}

TEST_P(ExecutorOf, ConvolvesAsTheDefinitionSays) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const int64_t groups = random.chance(0.4) ? random.between(2, 4) : 1;
    const Shape input{1, groups * random.between(1, 20), random.between(7, 12),
                      random.between(7, 12)};
    GraphMaker make(input, seed);
    ConvAttributes attributes;
    attributes.groups = groups;
    for (auto* pair : {&attributes.stride, &attributes.dilation}) {
      *pair = {random.between(1, 2), random.between(1, 2)};
    }
    for (int64_t& side : attributes.padding) side = random.between(0, 2);
    if (random.chance(0.5)) attributes.padding = {1, 1, 1, 1};
    const Pair kernel{random.between(1, 3), random.between(1, 3)};
    int x = make.conv(0, groups * random.between(1, 20), kernel, attributes, random.chance(0.5));
    if (random.chance(0.5)) x = make.batch_norm(x);
    if (random.chance(0.5)) x = make.add(Op::relu, {x});
    SCOPED_TRACE(seed);
    expect_as_naive(make.graph(), make.random_tensor(with_batch(input, random.between(1, 3))));
  }
}

/// Two convolutions of few windows and many weights, added.
GraphMaker weighty_convolutions(uint64_t seed) {
  Random random(seed);
  GraphMaker make({1, random.between(120, 130), random.between(3, 7), random.between(3, 7)}, seed);
  ConvAttributes attributes;
  attributes.stride = {random.between(1, 2), 2};
  attributes.dilation = {1, random.between(1, 2)};
  attributes.padding = {random.between(0, 2), random.between(0, 2), random.between(0, 2), 2};
  const int left = make.batch_norm(make.conv(0, 256, {3, 3}, attributes, random.chance(0.5)));
  const int right = make.conv(0, 256, {3, 3}, attributes);
  make.add(Op::relu, {make.add(Op::add, {left, right})});
  return make;
}

TEST_P(ExecutorOf, ConvolvesWithManyWeightsAsTheDefinitionSays) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    SCOPED_TRACE(seed);
    GraphMaker make = weighty_convolutions(seed);
    expect_as_naive(make.graph(), make.random_tensor(with_batch(make.shape(0), 2)));
  }
}

TEST_P(ExecutorOf, PoolsAsTheDefinitionSays) {
  for (uint64_t seed = 0; seed < 80; ++seed) {
    Random random(seed);
    const Shape input{1, random.between(1, 5), random.between(6, 11), random.between(6, 11)};
    GraphMaker make(input, seed);
    const bool average = random.chance(0.5);
    PoolAttributes pool;
    pool.kernel = {random.between(1, 4), random.between(1, 4)};
    pool.stride = {random.between(1, 3), random.between(1, 3)};
    for (size_t side = 0; side < 4; ++side) {
      pool.padding[side] = random.between(0, pool.kernel[side % 2] / 2);
    }
    if (random.chance(0.5))
      pool.padding = {pool.padding[0], pool.padding[1], pool.padding[0], pool.padding[1]};
    if (!average) pool.dilation = {1, random.between(1, 2)};
    pool.ceil_mode = random.chance(0.5);
    pool.count_include_pad = average && random.chance(0.5);
    make.add(average ? Op::avg_pool : Op::max_pool, {0}, pool);
    SCOPED_TRACE(seed);
    expect_as_naive(make.graph(), make.random_tensor(with_batch(input, 2)));
  }
}

TEST_P(ExecutorOf, ActivatesAsTheDefinitionsSay) {
  for (const Op op : {Op::relu, Op::relu6, Op::hardswish, Op::hardsigmoid, Op::sigmoid, Op::silu,
                      Op::gelu, Op::tanh, Op::leaky_relu}) {
    GraphMaker make({1, 3, 5, 4}, 1);
    make.add(op, {0}, op == Op::leaky_relu ? Attributes(LeakyAttributes{0.2}) : Attributes());
    SCOPED_TRACE(enum_name(op));
    expect_as_naive(make.graph(), make.random_tensor({2, 3, 5, 4}, -8, 8));
  }
  for (const double exponent : {2.0, 0.5, -1.0, -0.5, 1.7, 0.0}) {
    GraphMaker make({1, 3, 5, 4}, 1);
    make.add(Op::pow, {0}, PowerAttributes{exponent});
    SCOPED_TRACE(exponent);
    expect_as_naive(make.graph(), make.random_tensor({2, 3, 5, 4}, 0.1, 8));
  }
}

/// One of the extents for each axis but the batch's, or 1 for some.
Shape broadcastable(GraphMaker& make, const Shape& shape) {
  Shape result = with_batch(shape, 1);
  for (size_t axis = 1; axis < result.size(); ++axis) {
    if (make.random().chance(0.5)) result[axis] = 1;
  }
  return result;
}

TEST_P(ExecutorOf, ScalesAndShiftsByConstantsOfAnyShape) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    GraphMaker make({1, 3, 4, 5}, seed);
    std::map<std::string, Tensor> weights;
    if (seed % 3 != 0) weights["scale"] = make.random_tensor(broadcastable(make, {1, 3, 4, 5}));
    if (seed % 3 != 1) weights["shift"] = make.random_tensor(broadcastable(make, {1, 3, 4, 5}));
    make.add(Op::relu, {make.add(Op::affine, {0}, AffineAttributes{}, weights)});
    SCOPED_TRACE(seed);
    expect_as_naive(make.graph(), make.random_tensor({2, 3, 4, 5}));
  }
}

TEST_P(ExecutorOf, NormalisesOverTheLastAxes) {
  for (const int64_t axis : {1, 2, 3}) {
    const Shape input{1, 3, 4, 5};
    GraphMaker make(input, static_cast<uint64_t>(axis));
    const Shape inner(input.begin() + axis, input.end());
    std::map<std::string, Tensor> weights;
    if (axis != 3) weights["weight"] = make.random_tensor(inner);
    if (axis != 2) weights["bias"] = make.random_tensor(inner);
    make.add(Op::layer_norm, {0}, LayerNormAttributes{axis, 1e-3}, weights);
    SCOPED_TRACE(axis);
    expect_as_naive(make.graph(), make.random_tensor({2, 3, 4, 5}));
  }
}

TEST_P(ExecutorOf, MovesNumbersAsTheDefinitionsSay) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    const Shape input{1, random.between(2, 4), random.between(2, 4), random.between(2, 4)};
    GraphMaker make(input, seed);
    int x = make.add(Op::relu, {0});
    std::vector<int64_t> axes{1, 2, 3};
    for (size_t i = 3; i-- > 1;) {
      std::swap(axes[i], axes[static_cast<size_t>(random.between(0, static_cast<int64_t>(i)))]);
    }
    axes.insert(axes.begin(), 0);
    x = make.add(Op::permute, {x}, PermuteAttributes{axes});
    const Shape shape = make.shape(x);
    if (random.chance(0.5)) {
      x = make.add(Op::reshape, {x}, ReshapeAttributes{{shape[3], shape[1] * shape[2], 1}});
    }
    const int64_t axis = random.between(1, 3);
    const int64_t extent = make.shape(x)[static_cast<size_t>(axis)];
    const int64_t begin = random.between(0, extent - 1);
    const SliceAttributes part{axis, begin, random.between(begin + 1, extent),
                               random.between(1, 3)};
    x = make.add(Op::slice, {x}, part);
    PadAttributes pad{{0, 0, 0, 0}, {0, 0, 0, 0}, random.uniform(-1, 1)};
    for (size_t i = 1; i < 4; ++i) {
      pad.before[i] = random.between(0, 2);
      pad.after[i] = random.between(0, 2);
    }
    x = make.add(Op::add, {make.add(Op::pad, {x}, pad), make.add(Op::pad, {x}, pad)});
    make.add(Op::relu, {x});
    SCOPED_TRACE(seed);
    expect_as_naive(make.graph(), make.random_tensor(with_batch(input, random.between(1, 3))));
  }
}

TEST_P(ExecutorOf, MultipliesMatrices) {
  GraphMaker make({1, 3, 4, 5}, 1);
  const int turned = make.add(Op::permute, {0}, PermuteAttributes{{0, 1, 3, 2}});
  const int square = make.add(Op::matmul, {0, turned});
  make.add(Op::matmul, {square, 0});
  expect_as_naive(make.graph(), make.random_tensor({2, 3, 4, 5}));
}

TEST_P(ExecutorOf, KeepsWhatIsReadThroughAViewAfterAnInPlaceOp) {
  GraphMaker make({1, 4, 3, 3}, 6);
  const int x = make.conv(0, 4, {1, 1});
  const int half = make.add(Op::slice, {x}, SliceAttributes{1, 0, 2, 1});
  const int turned = make.add(Op::permute, {half}, PermuteAttributes{{0, 1, 3, 2}});
  const int shaped = make.add(Op::reshape, {turned}, ReshapeAttributes{{2, 3, 3}});
  const int positive = make.add(Op::relu, {half});
  make.add(Op::add, {make.add(Op::relu, {make.add(Op::add, {positive, positive})}), shaped});
  expect_as_naive(make.graph(), make.random_tensor({2, 4, 3, 3}));
}

TEST_P(ExecutorOf, PoolsAdaptivelyToAnySize) {
  for (const Pair output : {Pair{1, 1}, Pair{2, 3}, Pair{7, 5}, Pair{9, 8}}) {
    GraphMaker make({1, 3, 7, 5}, 1);
    make.add(Op::adaptive_avg_pool, {0}, AdaptivePoolAttributes{output});
    expect_as_naive(make.graph(), make.random_tensor({2, 3, 7, 5}));
  }
}

TEST_P(ExecutorOf, CombinesAndBroadcasts) {
  GraphMaker make({1, 4, 6, 5}, 3);
  const int pooled = make.add(Op::adaptive_avg_pool, {0}, AdaptivePoolAttributes{{1, 1}});
  const int gate = make.add(Op::sigmoid, {make.conv(pooled, 4, {1, 1})});
  const int scaled = make.add(Op::mul, {gate, 0});
  const int sum = make.add(Op::add, {pooled, scaled});
  const int twice = make.add(Op::add, {sum, sum});
  const int both = make.add(Op::concat, {twice, scaled, pooled == 0 ? 0 : sum}, AxisAttributes{1});
  make.add(Op::softmax, {make.linear(make.add(Op::flatten, {both}, AxisAttributes{1}), 5)},
           AxisAttributes{1});
  expect_as_naive(make.graph(), make.random_tensor({3, 4, 6, 5}));
}

TEST_P(ExecutorOf, KeepsAResultThatIsReadAgainAfterAnInPlaceOp) {
  GraphMaker make({1, 3, 4, 4}, 4);
  const int a = make.conv(0, 3, {1, 1});
  const int b = make.add(Op::relu, {a});
  const int c = make.add(Op::add, {b, a});
  const int flat = make.add(Op::flatten, {c}, AxisAttributes{1});
  const int d = make.add(Op::relu, {c});
  make.add(Op::mul, {make.add(Op::flatten, {d}, AxisAttributes{1}), flat});
  const Graph graph = make.graph();
  const Tensor x = make.random_tensor({2, 3, 4, 4});
  const auto results = executor(graph)->run(x, [](const NodeResult&) {});
  const Tensor fused = executor(graph)->run(x);
  for (int64_t i = 0; i < fused.count(); ++i) {
    EXPECT_NEAR(fused.data<float>()[i], results.data<float>()[i], 1e-5);
  }
}

TEST_P(ExecutorOf, ShowsTheSameNumbersInAnyOrder) {
  for (const FloatType float_type : {FloatType::f32, FloatType::bf16}) {
    const bool runs = GetParam() == ExecutorKind::engine && engine_backend().bf16_is_fast();
    if (float_type == FloatType::bf16 && !runs) continue;
    for (uint64_t seed = 0; seed < 4; ++seed) {
      // Channels in whole vectors and others, whose places have gaps.
      GraphMaker make({1, 3, 9, 7}, seed);
      const int a = make.conv(0, seed % 2 == 0 ? 32 : 13, {3, 3}, {});
      const int b = make.add(Op::relu, {make.batch_norm(a)});
      make.add(Op::add, {make.conv(b, 16, {1, 1}, {}), make.conv(b, 16, {1, 1}, {})});
      const Graph graph = make.graph();
      int shown = 0;
      executor(graph, 1, float_type)
          ->run(make.random_tensor({2, 3, 9, 7}), [&](const NodeResult& result) {
            const auto sorted = [](const Tensor& t) {
              std::vector<float> values(t.data<float>(), t.data<float>() + t.count());
              std::sort(values.begin(), values.end());
              return values;
            };
            EXPECT_EQ(sorted(result.unordered()), sorted(result.values()))
                << graph.node(result.node).name << ", " << enum_name(float_type);
            ++shown;
          });
      EXPECT_GE(shown, 4);
    }
  }
}

PixelBatch random_pixels(int count, int size, uint64_t seed) {
  Random random(seed);
  PixelBatch batch{size, size, {}, {}};
  for (int i = 0; i < count; ++i) batch.rows.push_back(i);
  batch.pixels.resize(batch.picture_bytes() * batch.rows.size());
  for (uint8_t& value : batch.pixels) value = static_cast<uint8_t>(random.below(256));
  return batch;
}

/// How many bits integers have: as `Int8Options` says.
struct Scheme {
  int activation_bits = 8;
  int highest_weight = 127, highest_weight_of_signed = 127;
  /// What each layer becomes; by default, convolutions i8.
  std::function<DType(const Node&)> type;
};

/// The graph with its layers as the scheme says, the ranges those of `x`.
Graph quantized(const Graph& graph, const Tensor& x, const Scheme& scheme = {}) {
  const Graph folded = fold_batch_norms(graph);
  const std::vector<naive::Array> results = naive::run(folded, x);
  QuantizePlan plan;
  const auto type = [&](const Node& node) { return scheme.type ? scheme.type(node) : DType::i8; };
  plan.wanted = [&](const Node& node) { return type(node) == DType::i8; };
  plan.in_bf16 = [&](const Node& node) { return type(node) == DType::bf16; };
  plan.params = [&](int node) {
    const auto& values = results[static_cast<size_t>(node)].values;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const ValueRange range{static_cast<float>(*low), static_cast<float>(*high)};
    return range.min < 0 ? choose_symmetric_params(range)
                         : choose_quant_params(range, scheme.activation_bits);
  };
  plan.highest_weight = scheme.highest_weight;
  plan.highest_weight_of_signed = scheme.highest_weight_of_signed;
  return quantize_graph(folded, plan);
}

/// A step of integers alone, given exact integers, is exact but for numbers that lie within float
/// rounding of the middle between two integers: those may fall to either side.
void expect_same_integers(const Graph& graph, const Tensor& x, Executor& ready) {
  const std::vector<naive::Array> expected = naive::run(graph, x);
  const auto rounded = grids(graph);
  const std::vector<ExecutorStep> steps = ready.steps();
  for (size_t i = 0; i < steps.size(); ++i) {
    std::vector<Tensor> inputs;
    for (const int node : steps[i].inputs) {
      const naive::Array& array = expected[static_cast<size_t>(node)];
      inputs.push_back(
          Tensor::from(array.shape, std::vector<float>(array.values.begin(), array.values.end())));
    }
    const Tensor got = ready.run_step(static_cast<int>(i), inputs);
    const naive::Array& want = expected[static_cast<size_t>(steps[i].node)];
    const auto& grid = rounded[static_cast<size_t>(steps[i].node)];
    if (!grid) {
      EXPECT_LT(largest_difference(got, want), 2e-5) << graph.node(steps[i].node).name;
      continue;
    }
    int64_t other = 0;
    for (int64_t k = 0; k < got.count(); ++k) {
      const double apart =
          std::abs(got.data<float>()[k] - want.values[static_cast<size_t>(k)]) / grid->scale;
      EXPECT_LT(apart, 1.001) << graph.node(steps[i].node).name;
      other += apart > 0.5;
    }
    EXPECT_LE(other, 1 + got.count() / 1000) << graph.node(steps[i].node).name;
  }
}

TEST_P(ExecutorOf, ComputesWithIntegersAsTheDefinitionSays) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    Random random(seed);
    const int64_t groups = random.chance(0.3) ? 8 : 1;
    const Shape input{1, 8 * random.between(1, 3), 9, 7};
    GraphMaker make(input, seed);
    ConvAttributes a;
    a.padding = {1, 1, 1, 1};
    a.groups = groups;
    int x = make.add(Op::relu, {make.batch_norm(make.conv(0, 24, {3, 3}, a))});
    if (random.chance(0.5)) x = make.add(Op::max_pool, {x}, PoolAttributes{{2, 2}, {2, 2}});
    const Op activation = random.chance(0.5) ? Op::relu : Op::hardswish;
    const int left = make.add(activation, {make.conv(x, 16, {1, 1})});
    const int right = make.conv(x, 16, {1, 1}, {}, random.chance(0.5));
    const int sum = make.add(Op::relu, {make.add(Op::add, {left, right})});
    make.conv(make.add(Op::concat, {sum, sum}, AxisAttributes{1}), 5, {1, 1});
    SCOPED_TRACE(seed);
    const Tensor pictures = make.random_tensor(with_batch(input, 2));
    const Graph graph = quantized(make.graph(), pictures);
    expect_same_integers(graph, pictures, *executor(graph));
  }
}

TEST_P(ExecutorOf, RunsAResNetOfIntegers) {
  const Graph graph = small_resnet(2, 21);
  GraphMaker make(graph.input_shape(), 22);
  const Tensor x = make.random_tensor({4, 3, 16, 16});
  const Graph integers = quantized(graph, x);
  expect_same_integers(integers, x, *executor(integers));
  // Rounding changes scores a little, not much.
  const naive::Array real = naive::run(graph, x).back();
  EXPECT_LT(largest_difference(executor(integers)->run(x), real), 0.2);
}

/// Layers of all kinds, each in integers, bf16 or f32.
Graph mixed_network(uint64_t seed, const Tensor& x) {
  Random random(seed);
  GraphMaker make({1, 3, 13, 11}, seed);
  const ConvAttributes around{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  ConvAttributes depthwise = around, grouped = around;
  depthwise.groups = 24;
  grouped.groups = 4;
  const auto activated = [&](int node) {
    return make.add(random.chance(0.5) ? Op::relu : Op::hardswish, {node});
  };
  int node = activated(make.conv(0, 24, {3, 3}, around));
  node = make.add(Op::max_pool, {node}, PoolAttributes{{2, 2}, {2, 2}});
  node = activated(make.conv(node, 24, {3, 3}, depthwise));
  const int shortcut = activated(make.conv(node, 32, {1, 1}));
  node = activated(make.conv(shortcut, 32, {3, 3}, grouped));
  node = activated(make.add(Op::add, {make.conv(node, 32, {3, 3}, around), shortcut}));
  node = make.add(Op::concat, {make.conv(node, 16, {1, 1}), make.conv(node, 7, {3, 3}, around)},
                  AxisAttributes{1});
  node = activated(make.linear(make.add(Op::flatten, {node}, AxisAttributes{1}), 20));
  make.linear(node, 3);
  Scheme scheme{8, 63, 63, {}};  // so that no processor's sums saturate
  scheme.type = [&](const Node& layer) {
    constexpr std::array kTypes = {DType::i8, DType::bf16, DType::f32};
    uint64_t hash = seed;
    for (const char c : layer.name) hash = hash * 31 + static_cast<uint64_t>(c);
    return kTypes[Random(hash).below(3)];
  };
  return quantized(make.graph(), x, scheme);
}

/// Products of bf16 are exact in f32, and both sides round what they multiply alike: what is left
/// is the order of the sums, as for f32.
TEST_P(ExecutorOf, MixesIntegersBf16AndF32AsTheDefinitionSays) {
  int in_bf16 = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    const Tensor x = GraphMaker({1, 3, 13, 11}, 200 + seed).random_tensor({2, 3, 13, 11});
    const Graph graph = mixed_network(seed, x);
    for (const Node& node : graph.nodes()) in_bf16 += node.is_bf16() ? 1 : 0;
    const auto ready = executor(graph);
    expect_same_integers(graph, x, *ready);
    const naive::Array scores = naive::run(graph, x).back();
    EXPECT_LT(largest_difference(ready->run(x), scores), 0.02);
  }
  EXPECT_GT(in_bf16, 20);
}

TEST_P(ExecutorOf, RoundsWhatABf16LayerReads) {
  GraphMaker make({1, 1, 1, 2}, 1);
  make.conv(0, 1, {1, 2}, {}, false);
  Graph graph = make.graph();
  std::vector<Node> nodes = graph.nodes();
  // 1 + 2^-8 lies in the middle between two bf16s; 1 is the even one.
  nodes[1].weights["weight"] = as_bf16(Tensor::from<float>({1, 1, 1, 2}, {1.00390625F, 3}));
  graph = graph.with_nodes(nodes);
  const Tensor y = executor(graph)->run(Tensor::from<float>({1, 1, 1, 2}, {1.01171875F, 256.5F}));
  EXPECT_EQ(y.data<float>()[0], 1.015625F + 3 * 256.0F);
}

TEST_P(ExecutorOf, EntersPixelsAsIntegers) {
  GraphMaker make({1, 3, 16, 16}, 5);
  make.add(
      Op::flatten,
      {make.add(Op::adaptive_avg_pool, {make.conv(0, 4, {3, 3})}, AdaptivePoolAttributes{{1, 1}})},
      AxisAttributes{1});
  const Graph graph = quantized(make.graph(), make.random_tensor({2, 3, 16, 16}, -2, 2));
  const auto ready = executor(graph);
  const PixelBatch batch = random_pixels(3, 16, 10);
  const PixelTable table = pixel_table(Preprocessing());
  std::vector<float> x(batch.pixels.size());
  for (size_t i = 0; i < x.size(); ++i) {
    x[i / 768 * 768 + i % 3 * 256 + i % 768 / 3] = table[i % 3][batch.pixels[i]];
  }
  const Tensor expected = ready->run(Tensor::from({3, 3, 16, 16}, x));
  const std::vector<float> got = ready->run(batch);
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected.data<float>()[i], 1e-6);
}

TEST_P(ExecutorOf, LeavesItsInputAlone) {
  GraphMaker make({1, 3, 4, 4}, 5);
  make.add(Op::relu, {0});
  const Tensor x = make.random_tensor({1, 3, 4, 4});
  const std::string before(x.bytes());
  executor(make.graph())->run(x);
  EXPECT_EQ(before, std::string(x.bytes()));
}

TEST_P(ExecutorOf, RunsAResNetFusedAsNodeByNode) {
  const Graph graph = small_resnet(2, 7);
  GraphMaker make(graph.input_shape(), 8);
  expect_as_naive(graph, make.random_tensor({3, 3, 16, 16}));
}

TEST_P(ExecutorOf, GivesAttentionBesideTheOutputs) {
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const Graph graph = small_resnet(3, seed);
    const std::vector<std::string> layers = shared_attention_layers(graph, graph);
    EXPECT_GE(layers.size(), 2U);
    GraphMaker make({1, 3, 16, 16}, seed);
    expect_as_naive(with_attention(graph, layers), make.random_tensor({2, 3, 16, 16}));
  }
}

TEST_P(ExecutorOf, NormalisesPixelsAsThePreprocessingSays) {
  const Graph graph = small_resnet(3, 9);
  const PixelBatch batch = random_pixels(2, 16, 10);
  const Preprocessing preprocessing;
  std::vector<float> x(2 * 3 * 16 * 16);
  for (size_t i = 0; i < batch.pixels.size(); ++i) {
    const size_t channel = i % 3, place = i / 3 % 256, picture = i / 768;
    x[(picture * 3 + channel) * 256 + place] =
        (static_cast<float>(batch.pixels[i]) / 255 - preprocessing.mean[channel]) /
        preprocessing.std[channel];
  }
  const auto ready = executor(graph);
  const Tensor expected = ready->run(Tensor::from({2, 3, 16, 16}, x));
  const std::vector<float> got = ready->run(batch);
  ASSERT_EQ(got.size(), 6u);
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(got[i], expected.data<float>()[i], 1e-5);
}

TEST_P(ExecutorOf, GivesTheSameForAnyBatchSizeAndNumberOfThreads) {
  const Graph graph = small_resnet(2, 11);
  const PixelBatch all = random_pixels(8, 16, 12);
  const std::vector<float> expected = executor(graph)->run(all);
  for (const int threads : {1, 2}) {
    const auto ready = executor(graph, threads);
    for (size_t i = 0; i < 8; ++i) {
      PixelBatch one{16, 16, {}, {static_cast<int64_t>(i)}};
      const auto begin = all.pixels.begin() + static_cast<std::ptrdiff_t>(i * 768);
      one.pixels.assign(begin, begin + 768);
      const std::vector<float> got = ready->run(one);
      EXPECT_NEAR(got[0], expected[2 * i], 1e-5);
      EXPECT_NEAR(got[1], expected[2 * i + 1], 1e-5);
    }
  }
}

TEST(Engine, GivesTheVerySameForAnyBatchSize) {
  const Graph graph = small_resnet(2, 11);
  Preprocessing preprocessing;
  preprocessing.height = preprocessing.width = 16;
  const auto ready = make_executor(ExecutorKind::engine, graph, preprocessing, {});
  const PixelBatch all = random_pixels(7, 16, 12);
  const std::vector<float> expected = ready->run(all);
  for (size_t i = 0; i < 7; ++i) {
    PixelBatch one{16, 16, {}, {static_cast<int64_t>(i)}};
    const auto begin = all.pixels.begin() + static_cast<std::ptrdiff_t>(i * 768);
    one.pixels.assign(begin, begin + 768);
    EXPECT_EQ(ready->run(one), std::vector<float>(expected.begin() + static_cast<int>(2 * i),
                                                  expected.begin() + static_cast<int>(2 * i + 2)));
  }
}

/// Threads of this process; waits a second at most for them to be `wanted`, as they end by the way.
int64_t threads_once(int64_t wanted) {
  const auto count = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  for (int i = 0; i < 100 && count() != wanted; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return count();
}

TEST(Engine, LeavesNoThreadsToTheOneThatMadeIt) {
  const Graph graph = small_resnet(2, 15);
  Preprocessing preprocessing;
  preprocessing.height = preprocessing.width = 16;
  ExecutorOptions options;
  options.threads = 2;
  const int64_t before = threads_once(1);
  const auto ready = make_executor(ExecutorKind::engine, graph, preprocessing, options);
  EXPECT_EQ(threads_once(before), before);
  ready->run(random_pixels(1, 16, 16));
  EXPECT_EQ(threads_once(before + 1), before + 1);
}

TEST_P(ExecutorOf, RunsForSeveralThreadsAtOnce) {
  const Graph graph = small_resnet(2, 13);
  const auto ready = executor(graph);
  const PixelBatch batch = random_pixels(4, 16, 14);
  const std::vector<float> expected = ready->run(batch);
  run_workers(4, [&](int) {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(ready->run(batch), expected);
  });
}

TEST_P(ExecutorOf, GivesNothingForNoPictures) {
  EXPECT_TRUE(executor(small_resnet(2, 1))->run(PixelBatch{16, 16, {}, {}}).empty());
}

TEST_P(ExecutorOf, RefusesDevicesThatDoNotExist) {
  if (GetParam() != ExecutorKind::torch) GTEST_SKIP() << "knows no devices";
  const Graph graph = small_resnet(2, 1);
  for (const char* name : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "", "cuda:1000"}) {
    const std::string error = error_of([&] {
      make_executor(ExecutorKind::torch, graph, {}, {name, 1});
    });
    EXPECT_THAT(error, testing::StartsWith("--device '" + std::string(name) + "': "));
  }
}

TEST_P(ExecutorOf, RefusesPicturesOfAnotherSize) {
  const auto ready = executor(small_resnet(2, 1));
  EXPECT_THAT(error_of([&] { ready->run(random_pixels(1, 15, 1)); }),
              testing::HasSubstr("15 x 15 pixels (height x width), but the model reads 16 x 16"));
}

TEST_P(ExecutorOf, RefusesAnInputOfAnotherShapeOrType) {
  const auto ready = executor(small_resnet(2, 1));
  EXPECT_THAT(error_of([&] {
                ready->run(Tensor::from({1, 3, 16, 8}, std::vector<float>(384)));
              }),
              testing::HasSubstr("[1, 3, 16, 8], expected [1, 3, 16, 16]"));
  EXPECT_THAT(error_of([&] { ready->run(Tensor::from({3}, std::vector<int64_t>(3))); }),
              testing::HasSubstr("expected f32 of 4 axes"));
}

TEST_P(ExecutorOf, RefusesNoThreads) {
  EXPECT_THAT(error_of([&] { executor(small_resnet(2, 1), 0); }),
              testing::HasSubstr("--threads 0"));
}

#ifdef FPCLS_TORCH
/// Convolutions of all kinds, with what is computed in one go with them.
Graph network_of_integers(uint64_t seed, const Tensor& x, const Scheme& scheme) {
  Random random(seed);
  GraphMaker make({1, 3, 13, 11}, seed);
  const ConvAttributes around{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  ConvAttributes depthwise = around;
  depthwise.groups = 24;
  depthwise.stride = {2, 2};
  const auto activated = [&](int node) {
    return make.add(random.chance(0.5) ? Op::relu : Op::relu6, {node});
  };
  int node = activated(make.batch_norm(make.conv(0, 24, {3, 3}, around)));
  node = activated(make.conv(node, 24, {3, 3}, depthwise));
  const int shortcut = make.conv(node, 40, {1, 1});
  node = activated(make.conv(shortcut, 64, {1, 1}));
  node = activated(make.conv(node, 64, {3, 3}, around));
  node = make.add(Op::add, {make.conv(node, 40, {1, 1}), shortcut});
  if (random.chance(0.5)) node = activated(node);
  node = make.add(Op::concat, {make.conv(node, 16, {1, 1}), make.conv(node, 16, {3, 3}, around)},
                  AxisAttributes{1});
  make.conv(make.add(Op::relu, {node}), 5, {1, 1});
  return quantized(make.graph(), x, scheme);
}

class IntegerArithmetic : public testing::TestWithParam<Scheme> {};

TEST_P(IntegerArithmetic, IsTheSameBitForBitInBothExecutors) {
  if (engine_backend().version()[0] != '2') GTEST_SKIP() << "oneDNN 3 adds biases later";
  const std::string isa = engine_backend().isa();
  const bool saturates = isa == "avx512" || isa == "avx2";
  if (saturates && GetParam().highest_weight_of_signed == 127) {
    GTEST_SKIP() << "sums of 8-bit products saturate on " << isa;
  }
  for (uint64_t seed = 0; seed < 10; ++seed) {
    GraphMaker make({1, 3, 13, 11}, 100 + seed);
    const float least = seed % 2 == 0 ? -1.0F : 0.0F;
    const Tensor seen = make.random_tensor({4, 3, 13, 11}, least, 1);
    const Graph graph = network_of_integers(seed, seen, GetParam());
    const Tensor x = make.random_tensor({4, 3, 13, 11}, 2 * least, 2);  // some beyond the ranges
    const auto engine = make_executor(ExecutorKind::engine, graph, {}, {"cpu", 1});
    const auto torch = make_executor(ExecutorKind::torch, graph, {}, {"cpu", 1});
    const auto rounded = grids(graph);
    std::map<int, Tensor> wanted;
    torch->run(x, [&](const NodeResult& result) { wanted[result.node] = result.values(); });
    int compared = 0;
    engine->run(x, [&](const NodeResult& result) {
      if (!rounded[static_cast<size_t>(result.node)]) return;
      const std::string& name = graph.node(result.node).name;
      ASSERT_EQ(wanted.count(result.node), 1U) << name;
      const Tensor got = result.values(), want = wanted[result.node];
      ASSERT_EQ(got.shape(), want.shape()) << name;
      int64_t other = 0;  // 0 and -0 stand for the same integer
      for (int64_t i = 0; i < got.count(); ++i) {
        other += got.data<float>()[i] != want.data<float>()[i];
      }
      EXPECT_EQ(other, 0) << seed << ' ' << name;
      ++compared;
    });
    EXPECT_GE(compared, 8);
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, IntegerArithmetic,
                         testing::Values(Scheme{8, 127, 127, {}}, Scheme{8, 63, 63, {}},
                                         Scheme{7, 127, 63, {}}),
                         [](const auto& scheme) {
                           const int bits = scheme.param.highest_weight == 127 ? 8 : 7;
                           return fmt::format("activations{}weights{}",
                                              scheme.param.activation_bits, bits);
                         });

const auto kKinds = testing::Values(ExecutorKind::engine, ExecutorKind::torch);
#else
const auto kKinds = testing::Values(ExecutorKind::engine);
#endif
INSTANTIATE_TEST_SUITE_P(Kinds, ExecutorOf, kKinds,
                         [](const auto& kind) { return std::string(enum_name(kind.param)); });

}  // namespace
}  // namespace fpcls
