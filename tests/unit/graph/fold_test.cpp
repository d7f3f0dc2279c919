#include "graph/fold.h"

#include <gtest/gtest.h>

#include <cmath>

#include "reference/graph/naive_ops.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

TEST(Fold, GivesTheSameResultWithoutBatchNorms) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const Graph graph = small_resnet(3, seed);
    const Graph folded = fold_batch_norms(graph);
    EXPECT_LT(folded.size(), graph.size());
    for (const Node& node : folded.nodes()) EXPECT_NE(node.op, Op::batch_norm) << node.name;
    GraphMaker make(graph.input_shape(), seed);
    const Tensor x = make.random_tensor({2, 3, 16, 16});
    const auto expected = naive::run(graph, x).back().values;
    const auto got = naive::run(folded, x).back().values;
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5);
  }
}

TEST(Fold, LeavesANormWhoseConvolutionIsReadElsewhere) {
  GraphMaker make({1, 2, 4, 4}, 1);
  const int conv = make.conv(0, 2, {1, 1});
  const int norm = make.batch_norm(conv);
  make.add(Op::add, {conv, norm});
  const Graph graph = make.graph();
  EXPECT_EQ(fold_batch_norms(graph).size(), graph.size());
}

TEST(Fold, LeavesANormAfterAnOutput) {
  GraphMaker make({1, 2, 4, 4}, 1);
  const int conv = make.conv(0, 2, {1, 1});
  make.batch_norm(conv);
  EXPECT_EQ(foldable_batch_norms(make.graph(conv))[1], -1);
}

TEST(Fold, MakesZeroOfWhatIsTooSmall) {
  GraphMaker make({1, 1, 2, 2}, 1);
  make.conv(0, 1, {1, 1});
  make.node(1).weights["weight"] = Tensor::from<float>({1, 1, 1, 1}, {1e-40F});
  const Graph clean = scrub_denormals(make.graph());
  EXPECT_EQ(clean.node(1).weight("weight").data<float>()[0], 0.0F);
  EXPECT_EQ(clean.node(1).weight("bias").bytes(), make.node(1).weight("bias").bytes());
}

}  // namespace
}  // namespace fpcls
