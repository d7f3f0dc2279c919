#include "graph/attention.h"

#include <gmock/gmock.h>

#include <cmath>

#include "error_of.h"
#include "reference/graph/naive_ops.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Whether all data passes through `node`, by looking for a way around it.
bool is_passed_by_all(const Graph& graph, int node) {
  std::vector<bool> reached(static_cast<size_t>(graph.size()));
  reached[0] = node != 0;
  for (int i = 1; i < graph.size(); ++i) {
    for (const int input : graph.node(i).inputs) {
      if (i != node && reached[static_cast<size_t>(input)]) reached[static_cast<size_t>(i)] = true;
    }
  }
  return !reached[static_cast<size_t>(graph.outputs()[0].node)];
}

/// Layers at random, some with a shortcut around them, some that halve both sides.
Graph random_network(uint64_t seed, int64_t channels) {
  GraphMaker make({1, 3, 16, 16}, seed);
  Random random(seed);
  int last = make.conv(0, channels, {3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1});
  for (int block = 0; block < 6; ++block) {
    const int from = last;
    const int64_t stride = random.chance(0.4) ? 2 : 1;
    last = make.batch_norm(
        make.conv(last, channels, {3, 3}, {{stride, stride}, {1, 1, 1, 1}, {1, 1}, 1}));
    if (random.chance(0.5)) last = make.add(Op::relu, {last});
    if (stride == 1 && random.chance(0.6)) last = make.add(Op::add, {last, from});
    last = make.add(Op::relu, {last});
  }
  last = make.add(Op::adaptive_avg_pool, {last}, AdaptivePoolAttributes{{1, 1}});
  make.linear(make.add(Op::flatten, {last}, AxisAttributes{1}), 2);
  return make.graph();
}

TEST(SharedAttentionLayers, AreTheLastOfEachSizeThatAllDataPassesThrough) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Graph graph = random_network(seed, 4), wider = random_network(seed, 7);
    std::map<int64_t, std::string> expected;  // by height
    for (int i = 1; i < graph.size(); ++i) {
      const Shape& shape = graph.shape(i);
      if (shape.size() == 4 && shape[2] > 1 && is_passed_by_all(graph, i)) {
        expected[-shape[2]] = graph.node(i).name;
      }
    }
    std::vector<std::string> names;
    for (const auto& [height, name] : expected) names.push_back(name);
    EXPECT_EQ(shared_attention_layers(graph, wider), names) << seed;
  }
}

TEST(SharedAttentionLayers, HaveTheSameNameAndSizeInBoth) {
  const auto network = [](const char* first, const char* second, Pair stride) {
    GraphMaker make({1, 3, 8, 8}, 1);
    const int a = make.conv(0, 4, {1, 1});
    const int b = make.conv(a, 4, {1, 1}, {stride, {0, 0, 0, 0}, {1, 1}, 1});
    make.node(a).name = first;
    make.node(b).name = second;
    make.linear(make.add(Op::flatten, {b}, AxisAttributes{1}), 2);
    return make.graph();
  };
  const Graph student = network("a", "b", {2, 2});
  EXPECT_THAT(shared_attention_layers(student, student), ElementsAre("a", "b"));
  EXPECT_THAT(shared_attention_layers(student, network("a", "c", {2, 2})), ElementsAre("a"));
  EXPECT_THAT(shared_attention_layers(student, network("a", "b", {4, 4})), ElementsAre("a"));
  EXPECT_THAT(shared_attention_layers(student, network("c", "d", {2, 2})), IsEmpty());
}

TEST(SharedAttentionLayers, OfOnePlaceAreNone) {
  GraphMaker make({1, 3, 1, 1}, 1);
  make.linear(make.add(Op::flatten, {make.conv(0, 4, {1, 1})}, AxisAttributes{1}), 2);
  const Graph graph = make.graph();
  EXPECT_THAT(shared_attention_layers(graph, graph), IsEmpty());
}

TEST(WithAttention, AppendsTheMeanSquareOverTheChannels) {
  const Graph graph = random_network(3, 5);
  const std::vector<std::string> layers = shared_attention_layers(graph, graph);
  ASSERT_GE(layers.size(), 2U);
  const Graph both = with_attention(graph, layers);
  const Tensor x = GraphMaker({1, 3, 16, 16}, 5).random_tensor({2, 3, 16, 16});
  const std::vector<naive::Array> results = naive::run(graph, x);
  const naive::Array got = naive::run(both, x).back();
  const naive::Array& logits = results.back();
  ASSERT_EQ(got.shape[1], 2 + attention_size(graph, layers));
  for (int64_t n = 0; n < 2; ++n) {
    std::vector<double> expected(logits.values.begin() + n * 2, logits.values.begin() + n * 2 + 2);
    for (const std::string& layer : layers) {
      const naive::Array& result = results[static_cast<size_t>(graph.find(layer))];
      for (int64_t h = 0; h < result.shape[2]; ++h) {
        for (int64_t w = 0; w < result.shape[3]; ++w) {
          double squares = 0;
          for (int64_t c = 0; c < result.shape[1]; ++c)
            squares += std::pow(result.at(n, c, h, w), 2);
          expected.push_back(squares / static_cast<double>(result.shape[1]));
        }
      }
    }
    ASSERT_EQ(static_cast<int64_t>(expected.size()), got.shape[1]);
    for (size_t k = 0; k < expected.size(); ++k) {
      const double value = got.values[static_cast<size_t>(n * got.shape[1]) + k];
      EXPECT_NEAR(value, expected[k], 1e-5 * (1 + std::abs(expected[k]))) << n << " " << k;
    }
  }
}

TEST(WithAttention, OfNoLayersIsTheNetwork) {
  const Graph graph = random_network(3, 4);
  EXPECT_EQ(with_attention(graph, {}).size(), graph.size());
  EXPECT_EQ(attention_size(graph, {}), 0);
}

TEST(WithAttention, NamesTheLayerThatIsNotThereOrHasNoPlaces) {
  const Graph graph = random_network(3, 4);
  const std::string last = graph.nodes().back().name;
  EXPECT_THAT(error_of([&] { with_attention(graph, {"nowhere"}); }),
              HasSubstr("no layer 'nowhere'"));
  EXPECT_THAT(error_of([&] { with_attention(graph, {last}); }),
              HasSubstr("'" + last + "' is [1, 2], expected [1, channels, height, width]"));
}

}  // namespace
}  // namespace fpcls
