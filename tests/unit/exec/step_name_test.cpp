#include "exec/step_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/fold.h"
#include "model/resnet.h"

namespace fpcls {
namespace {

Graph small() {
  ResNetSpec spec;
  spec.width_multiplier = 0.125;
  spec.height = spec.width = 32;
  return fold_batch_norms(build_resnet(spec));
}

TEST(NodesBetween, AreThoseOnThePathsWithoutTheInputs) {
  const Graph graph = small();
  const int conv = graph.find("layer1.0.conv2");
  const int relu = graph.node(conv).inputs[0];
  const int last = conv;
  EXPECT_THAT(nodes_between(graph, {relu}, last), testing::ElementsAre(conv));
  EXPECT_EQ(nodes_between(graph, {}, graph.size() - 1).size(),
            static_cast<size_t>(graph.size() - 1));
  EXPECT_TRUE(nodes_between(graph, {}, 0).empty());
}

TEST(StepName, IsThatOfTheOnlyLayerWithWeights) {
  const Graph graph = small();
  const int conv = graph.find("layer1.0.conv1");
  const int relu = conv + 1;
  const StepName step = step_name(graph, graph.node(conv).inputs, relu);
  EXPECT_EQ(step.name, "layer1.0.conv1");
  EXPECT_EQ(step.op, "conv+relu");
  EXPECT_EQ(step.macs, mac_count(graph, conv));
}

TEST(StepName, OfSeveralLayersIsTheResults) {
  const Graph graph = small();
  const StepName all = step_name(graph, {0}, graph.size() - 1);
  EXPECT_EQ(all.name, graph.nodes().back().name);
  EXPECT_EQ(all.macs, mac_count(graph));
}

}  // namespace
}  // namespace fpcls
