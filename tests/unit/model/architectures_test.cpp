#include "model/architectures.h"

#include <gmock/gmock.h>

#include "unit/model/test_files.h"

namespace fpcls {
namespace {

using testing::HasSubstr;

/// A state dict of zeros, put together layer by layer.
struct StateDict {
  TensorMap weights;

  void tensor(const std::string& name, const Shape& shape) {
    weights[name] =
        Tensor::from<float>(shape, std::vector<float>(static_cast<size_t>(element_count(shape))));
  }
  void conv_norm(const std::string& conv, const std::string& norm, const Shape& shape) {
    tensor(conv + ".weight", shape);
    for (const char* key : {".weight", ".bias", ".running_mean", ".running_var"}) {
      tensor(norm + key, {shape[0]});
    }
    weights[norm + ".num_batches_tracked"] = Tensor::from<int64_t>({1}, {3});
  }
  void conv_norm(const std::string& prefix, const Shape& shape) {
    conv_norm(prefix + ".0", prefix + ".1", shape);
  }
  void dense(const std::string& name, const Shape& shape) {
    tensor(name + ".weight", shape);
    tensor(name + ".bias", {shape[0]});
  }
};

/// MobileNet v2 with 4 channels everywhere.
StateDict small_mobilenet() {
  StateDict dict;
  dict.conv_norm("features.0", {4, 3, 3, 3});
  dict.conv_norm("features.1.conv.0", {4, 1, 3, 3});
  dict.conv_norm("features.1.conv.1", "features.1.conv.2", {4, 4, 1, 1});
  for (int i = 2; i <= 17; ++i) {
    const std::string block = "features." + std::to_string(i) + ".conv.";
    dict.conv_norm(block + "0", {8, 4, 1, 1});
    dict.conv_norm(block + "1", {8, 1, 3, 3});
    dict.conv_norm(block + "2", block + "3", {4, 8, 1, 1});
  }
  dict.conv_norm("features.18", {16, 4, 1, 1});
  dict.dense("classifier.1", {3, 16});
  return dict;
}

StateDict small_efficientnet() {
  StateDict dict;
  dict.conv_norm("features.0", {4, 3, 3, 3});
  for (int stage = 1; stage <= 7; ++stage) {
    for (int i = 0; i < 2; ++i) {
      const std::string block =
          "features." + std::to_string(stage) + "." + std::to_string(i) + ".block.";
      int part = 0;
      const auto next = [&] { return block + std::to_string(part++); };
      const int64_t inner = stage == 1 ? 4 : 8;
      if (stage > 1) dict.conv_norm(next(), {8, 4, 1, 1});
      dict.conv_norm(next(), {inner, 1, 5, 5});
      const std::string squeeze = next();
      dict.dense(squeeze + ".fc1", {2, inner, 1, 1});
      dict.dense(squeeze + ".fc2", {inner, 2, 1, 1});
      dict.conv_norm(next(), {4, inner, 1, 1});
    }
  }
  dict.conv_norm("features.8", {16, 4, 1, 1});
  dict.dense("classifier.1", {2, 16});
  return dict;
}

StateDict small_regnet(bool squeezes) {
  StateDict dict;
  dict.conv_norm("stem", {4, 3, 3, 3});
  for (const std::string stage : {"1", "2", "3", "4"}) {
    for (const std::string block : {"0", "1"}) {
      const std::string prefix = "trunk_output.block" + stage + ".block" + stage + "-" + block;
      if (block == "0") dict.conv_norm(prefix + ".proj", {4, 4, 1, 1});
      dict.conv_norm(prefix + ".f.a", {4, 4, 1, 1});
      dict.conv_norm(prefix + ".f.b", {4, 2, 3, 3});
      if (squeezes) {
        dict.dense(prefix + ".f.se.fc1", {1, 4, 1, 1});
        dict.dense(prefix + ".f.se.fc2", {4, 1, 1, 1});
      }
      dict.conv_norm(prefix + ".f.c", {4, 4, 1, 1});
    }
  }
  dict.dense("fc", {5, 4});
  return dict;
}

int count_of(const Graph& graph, Op op) {
  int count = 0;
  for (const Node& node : graph.nodes()) count += node.op == op ? 1 : 0;
  return count;
}

int64_t number_count(const TensorMap& weights) {
  int64_t count = 0;
  for (const auto& [name, tensor] : weights) {
    if (name.find("running_") == std::string::npos && tensor.dtype() == DType::f32) {
      count += tensor.count();
    }
  }
  return count;
}

TEST(GraphFromWeights, BuildsMobileNetWithItsShortcutsAndStrides) {
  const StateDict dict = small_mobilenet();
  const Graph graph = graph_from_weights("mobilenet_v2", dict.weights, 224, 224, "w.pt");
  EXPECT_EQ(parameter_count(graph), number_count(dict.weights));
  EXPECT_EQ(graph.shape(graph.find("features.18.2")), (Shape{1, 16, 7, 7}));
  EXPECT_EQ(graph.output_count(), 3);
  // With equal channels every block of stride 1 has one: 17 less the four of stride 2.
  EXPECT_EQ(count_of(graph, Op::add), 13);
}

TEST(GraphFromWeights, BuildsEfficientNetWithTheBlocksThatAreThere) {
  const StateDict dict = small_efficientnet();
  const Graph graph = graph_from_weights("efficientnet_b1", dict.weights, 224, 224, "w.pt");
  EXPECT_EQ(parameter_count(graph), number_count(dict.weights));
  EXPECT_EQ(graph.shape(graph.find("features.8.2")), (Shape{1, 16, 7, 7}));
  EXPECT_EQ(count_of(graph, Op::mul), 14);
  EXPECT_EQ(count_of(graph, Op::add), 10);
}

TEST(GraphFromWeights, BuildsRegNetWithAndWithoutSqueezing) {
  for (const bool squeezes : {false, true}) {
    const StateDict dict = small_regnet(squeezes);
    const Graph graph = graph_from_weights("regnet_y_400mf", dict.weights, 224, 224, "w.pt");
    EXPECT_EQ(parameter_count(graph), number_count(dict.weights));
    EXPECT_EQ(graph.shape(graph.find("trunk_output.block4.block4-1.activation")),
              (Shape{1, 4, 7, 7}));
    EXPECT_EQ(graph.node(graph.find("trunk_output.block1.block1-0.f.b.0")).conv().groups, 2);
    EXPECT_EQ(count_of(graph, Op::mul), squeezes ? 8 : 0);
  }
}

TEST(GraphFromWeights, SaysWhatIsWrongWithAnyFamily) {
  StateDict dict = small_mobilenet();
  dict.weights.erase("features.3.conv.1.0.weight");
  dict.tensor("features.2.conv.3.bias", {5});
  dict.tensor("more", {1});
  const std::string error =
      error_of([&] { graph_from_weights("mobilenet_v2", dict.weights, 64, 64, "w.pt"); });
  EXPECT_THAT(error, HasSubstr("w.pt: the weights aren't those of mobilenet_v2"));
  EXPECT_THAT(error, HasSubstr("features.3.conv.1.0.weight"));
  EXPECT_THAT(error, HasSubstr("1 unexpected (more)"));
  EXPECT_THAT(error, HasSubstr("features.2.conv.3.bias is f32 [5], expected f32 [4]"));
}

TEST(GraphFromWeights, SurvivesAnyTensorOfAnotherShape) {
  const TensorMap good = small_mobilenet().weights;
  for (const auto& [name, tensor] : good) {
    for (const Shape& shape : {Shape{}, {1}, {2, 2}, {7, 1, 1, 1}, {1, 1, 9, 1}}) {
      if (name.find("num_batches") != std::string::npos) continue;
      TensorMap bad = good;
      bad[name] =
          Tensor::from<float>(shape, std::vector<float>(static_cast<size_t>(element_count(shape))));
      EXPECT_NE(error_of([&] { graph_from_weights("mobilenet_v2", bad, 64, 64, "w.pt"); }),
                "no error")
          << name << shape_text(shape);
    }
  }
}

TEST(GraphFromWeights, SuggestsTheNameThatWasMeant) {
  EXPECT_THAT(error_of([] { graph_from_weights("mobilenetv2", {}, 64, 64, "w.pt"); }),
              HasSubstr("did you mean 'mobilenet_v2'?"));
}

}  // namespace
}  // namespace fpcls
