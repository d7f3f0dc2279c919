#include "base/file.h"
#include "unit/torch/import_check.h"

namespace fpcls {
namespace {

using testing::HasSubstr;

std::filesystem::path exported(const Graph& graph) {
  const std::filesystem::path path = fresh_path();
  torch_backend().save_torchscript(path, graph, "{}");
  return path;
}

/// What libtorch and our own importer make of the file is what the graph computes.
void expect_exported(const Graph& graph) {
  const std::filesystem::path path = exported(graph);
  const Tensor x = random_tensor(graph.input_shape(), 1);
  const Tensor expected = make_executor(ExecutorKind::torch, graph, {}, {})->run(x);
  const Graph back = import(path, graph.input_shape());
  EXPECT_EQ(parameter_count(back), parameter_count(graph));
  for (const Tensor& got :
       {ScriptMaker::run(path, x), make_executor(ExecutorKind::torch, back, {}, {})->run(x)}) {
    ASSERT_EQ(got.count(), expected.count());
    for (int64_t i = 0; i < got.count(); ++i) {
      ASSERT_NEAR(got.data<float>()[i], expected.data<float>()[i], 1e-5) << i;
    }
  }
}

TEST(Exporter, WritesAResNetThatComputesTheSame) { expect_exported(small_resnet(2, 1)); }

TEST(Exporter, WritesEveryOp) {
  GraphMaker make({1, 3, 9, 8}, 2);
  int x = make.conv(0, 6, {3, 2}, {{2, 1}, {1, 0, 0, 1}, {1, 1}, 3});
  x = make.batch_norm(x);
  for (const Op op : {Op::relu, Op::hardswish, Op::hardsigmoid, Op::silu, Op::gelu, Op::tanh}) {
    x = make.add(op, {x});
  }
  x = make.add(Op::relu6, {make.add(Op::add, {x, make.add(Op::sigmoid, {x})})});
  x = make.add(Op::leaky_relu, {x}, LeakyAttributes{2});
  x = make.add(Op::pow, {make.add(Op::sigmoid, {x})}, PowerAttributes{3});
  x = make.add(
      Op::affine, {x}, AffineAttributes{},
      {{"scale", make.random_tensor({1, 6, 1, 1})}, {"shift", make.random_tensor({1, 1, 1, 1})}});
  x = make.add(Op::affine, {x}, AffineAttributes{false},
               {{"shift", make.random_tensor({1, 6, 1, 1})}});
  x = make.add(Op::concat, {x, make.add(Op::mul, {x, x})}, AxisAttributes{1});
  for (const bool ceil : {false, true}) {
    for (const bool count : {false, true}) {
      const PoolAttributes pool{{2, 2}, {1, 1}, {1, 0, 0, 1}, {1, 1}, ceil, count};
      x = make.add(Op::avg_pool, {x}, pool);
    }
    x = make.add(Op::max_pool, {x},
                 PoolAttributes{{2, 3}, {1, 1}, {0, 1, 1, 0}, {1, 1}, ceil, false});
  }
  x = make.add(Op::max_pool, {x},
               PoolAttributes{{3, 3}, {2, 2}, {1, 1, 0, 1}, {1, 1}, true, false});
  x = make.add(Op::adaptive_avg_pool, {x}, AdaptivePoolAttributes{{4, 4}});
  x = make.add(Op::pad, {x}, PadAttributes{{0, 0, 1, 0}, {0, 0, 0, 1}, 0.25});
  x = make.add(Op::slice, {x}, SliceAttributes{2, 0, 5, 2});
  x = make.add(Op::permute, {x}, PermuteAttributes{{0, 2, 3, 1}});
  x = make.add(Op::reshape, {x}, ReshapeAttributes{{15, 12}});
  x = make.add(Op::layer_norm, {x}, LayerNormAttributes{2, 1e-3},
               {{"weight", make.random_tensor({12})}});
  const int turned = make.add(Op::permute, {x}, PermuteAttributes{{0, 2, 1}});
  x = make.add(Op::softmax, {make.add(Op::matmul, {x, turned})}, AxisAttributes{2});
  make.linear(make.add(Op::flatten, {x}, AxisAttributes{1}), 3);
  expect_exported(make.graph());
}

TEST(Exporter, KeepsThePadOfPoolsThatRoundUp) {
  for (const Op op : {Op::max_pool, Op::avg_pool}) {
    GraphMaker make({1, 2, 7, 6}, 3);
    make.add(op, {0}, PoolAttributes{{2, 2}, {2, 3}, {0, 0, 1, 1}, {1, 1}, true, false});
    expect_exported(make.graph());
  }
}

TEST(Exporter, NamesTensorsAsTheLayersAre) {
  GraphMaker make({1, 3, 4, 4}, 4);
  const int x = make.conv(0, 2, {1, 1});
  make.node(x).name = "layer1.0.conv1";
  const Graph back = import(exported(make.graph()), {1, 3, 4, 4});
  EXPECT_EQ(back.node(1).name, "layer1.0.conv1");
}

TEST(Exporter, TakesAnyName) {
  const std::vector<std::vector<std::string>> pairs{{"a\"b", "a'b"},
                                                    {"x\n  return 1", "x"},
                                                    {"a", "a.weight"},
                                                    {"training", "forward"},
                                                    {"..", "."},
                                                    {"名", "é"},
                                                    {"a.b", "a_b"},
                                                    {"a-b", "a_b"},
                                                    {"weight", "weight.weight"}};
  for (const std::vector<std::string>& names : pairs) {
    SCOPED_TRACE(names[0] + " " + names[1]);
    GraphMaker make({1, 3, 4, 4}, 5);
    const int first = make.conv(0, 3, {1, 1}), second = make.conv(first, 2, {1, 1});
    make.node(first).name = names[0];
    make.node(second).name = names[1];
    expect_exported(make.graph());
  }
}

TEST(Exporter, WritesSeveralOutputs) {
  GraphMaker make({1, 3, 4, 4}, 6);
  const int x = make.add(Op::relu, {0});
  make.add(Op::sigmoid, {x});
  const Graph graph(Shape{1, 3, 4, 4}, make.graph().nodes(), {{"a", 2}, {"b", 1}});
  const Graph back = import(exported(graph), {1, 3, 4, 4});
  ASSERT_EQ(back.outputs().size(), 2u);
  EXPECT_EQ(back.node(back.outputs()[0].node).op, Op::sigmoid);
}

TEST(Exporter, CanBeTrainedOn) {
  const std::filesystem::path path = exported(small_resnet(2, 1));
  const Tensor x = random_tensor({3, 3, 16, 16}, 2);
  EXPECT_NE(ScriptMaker::run(path, x).bytes(),
            ScriptMaker::run(path, x, /*training=*/true).bytes());
}

TEST(Exporter, SaysWhereItCannotWrite) {
  const std::string path = (fresh_path().parent_path() / "missing" / "m.pt").string();
  EXPECT_THAT(error_of([&] { torch_backend().save_torchscript(path, small_resnet(2, 1), "{}"); }),
              HasSubstr(path));
}

}  // namespace
}  // namespace fpcls
