#include "graph/named_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/resnet.h"

namespace fpcls {
namespace {

Graph small() {
  ResNetSpec spec;
  spec.width_multiplier = 0.125;
  spec.height = spec.width = 32;
  return build_resnet(spec);
}

TEST(WithOutput, KeepsOnlyWhatTheLayerNeeds) {
  const Graph graph = small();
  const Graph cut = with_output(graph, "layer2.0.downsample.0");
  const int whole = graph.find("layer2.0.downsample.0");
  ASSERT_EQ(cut.outputs().size(), 1u);
  EXPECT_EQ(cut.outputs()[0].name, "layer2.0.downsample.0");
  EXPECT_EQ(cut.shape(cut.outputs()[0].node), graph.shape(whole));
  EXPECT_EQ(cut.find("layer2.0.conv1"), -1);  // the other branch
  EXPECT_EQ(cut.find("layer2.1.conv1"), -1);
  EXPECT_GE(cut.find("layer1.1.conv2"), 0);
}

TEST(WithOutput, EveryLayerOfANetworkCanBeTheOutput) {
  const Graph graph = small();
  for (int i = 1; i < graph.size(); ++i) {
    const Graph cut = with_output(graph, graph.node(i).name);
    EXPECT_EQ(cut.outputs()[0].node, cut.size() - 1);
    EXPECT_EQ(cut.shape(cut.size() - 1), graph.shape(i)) << graph.node(i).name;
    EXPECT_LE(cut.size(), i + 1);
  }
  EXPECT_EQ(with_output(graph, graph.nodes().back().name).size(), graph.size());
}

TEST(WithOutput, WithoutANameNothingIsCut) {
  const Graph graph = small();
  EXPECT_EQ(with_output(graph, "").size(), graph.size());
}

std::string refusal(const std::string& name) {
  try {
    with_output(small(), name);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(WithOutput, RefusesALayerThatIsNotThereAndTheInput) {
  EXPECT_THAT(refusal("layer1.0.conv9"), testing::HasSubstr("did you mean 'layer1.0.conv"));
  EXPECT_THAT(refusal("nothing of the kind"), testing::HasSubstr("there is no such layer"));
  EXPECT_THAT(refusal("input"), testing::HasSubstr("is the input, expected a layer"));
}

}  // namespace
}  // namespace fpcls
