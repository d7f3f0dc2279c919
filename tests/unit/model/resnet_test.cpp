#include "model/resnet.h"

#include <gmock/gmock.h>

#include <cmath>

#include "model/architectures.h"
#include "unit/model/test_files.h"

namespace fpcls {
namespace {

using testing::HasSubstr;

ResNetSpec small_spec(const std::string& architecture) {
  ResNetSpec spec;
  spec.architecture = architecture;
  spec.width_multiplier = 0.125;
  spec.outputs = 2;
  spec.height = spec.width = 64;
  return spec;
}

/// A graph's weights as a state dict.
TensorMap weights_of(const Graph& graph) {
  TensorMap weights;
  for (const Node& node : graph.nodes()) {
    for (const auto& [key, tensor] : node.weights) weights[node.name + "." + key] = tensor;
    if (node.op == Op::batch_norm) {
      weights[node.name + ".num_batches_tracked"] = Tensor::from<int64_t>({}, {5});
    }
  }
  return weights;
}

// torchvision: sum(p.numel() for p in model.parameters()) with 1000 classes, and its table's
// GFLOPS, which count a multiply-add as one.
TEST(ResNet, HasTorchvisionsParametersAndMacs) {
  struct {
    const char* architecture;
    int64_t parameters;
    double gmacs;
  } const expected[] = {{"resnet18", 11'689'512, 1.81},
                        {"resnet50", 25'557'032, 4.09},
                        {"resnext50_32x4d", 25'028'904, 4.23}};
  for (const auto& [architecture, parameters, gmacs] : expected) {
    ResNetSpec spec;
    spec.architecture = architecture;
    spec.outputs = 1000;
    const Graph graph = build_resnet(spec);
    EXPECT_EQ(parameter_count(graph), parameters) << architecture;
    EXPECT_NEAR(static_cast<double>(mac_count(graph)) / 1e9, gmacs, 0.01) << architecture;
  }
}

TEST(ResNet, BuildsEveryArchitectureAtEveryWidthAndSize) {
  for (const std::string& architecture : resnet_architectures()) {
    ResNetSpec spec = small_spec(architecture);
    const Graph graph = build_resnet(spec);
    EXPECT_EQ(graph.output_count(), 2) << architecture;
    EXPECT_EQ(graph.input_shape(), (Shape{1, 3, 64, 64}));
    EXPECT_EQ(graph.nodes().back().name, "fc");
    EXPECT_EQ(graph.outputs()[0].name, "logits");
    spec.height = 1;
    spec.width = 333;
    EXPECT_NO_THROW(build_resnet(spec)) << architecture;
  }
}

TEST(ResNet, HasTorchvisionsLayerNames) {
  const Graph graph = build_resnet(small_spec("resnet50"));
  for (const char* name :
       {"input", "conv1", "bn1", "relu", "maxpool", "layer1.0.conv1", "layer1.0.relu2",
        "layer1.0.downsample.0", "layer1.0.downsample.1", "layer1.0.add", "layer1.0.relu3",
        "layer4.2.bn3", "avgpool", "flatten", "fc"}) {
    EXPECT_GE(graph.find(name), 0) << name;
  }
  EXPECT_EQ(graph.find("layer1.1.downsample.0"), -1);
  EXPECT_EQ(graph.node(graph.find("layer2.0.conv2")).conv().stride, (Pair{2, 2}));
  EXPECT_EQ(build_resnet(small_spec("resnet18")).find("layer1.0.downsample.0"), -1);
}

TEST(ResNet, RoundsChannelsToMultiplesOfEight) {
  ResNetSpec spec = small_spec("resnet18");
  for (const auto& [multiplier, channels] :
       {std::pair(0.25, 16), std::pair(0.01, 8), std::pair(0.3, 16), std::pair(0.32, 24)}) {
    spec.width_multiplier = multiplier;
    EXPECT_EQ(build_resnet(spec).shape(1)[1], channels) << multiplier;
  }
}

TEST(ResNet, BeginsWithTheVariancesThatPyTorchUses) {
  ResNetSpec spec;
  spec.height = spec.width = 32;
  const Graph graph = build_resnet(spec);
  const Tensor conv = graph.node(graph.find("layer3.0.conv2")).weight("weight");
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < conv.count(); ++i) {
    sum += conv.data<float>()[i];
    squares += std::pow(conv.data<float>()[i], 2);
  }
  const double count = static_cast<double>(conv.count());
  EXPECT_NEAR(sum / count, 0, 1e-3);
  EXPECT_NEAR(squares / count, 2.0 / (256 * 9), 2.0 / (256 * 9) * 0.02);
  const Tensor fc = graph.node(graph.find("fc")).weight("weight");
  double largest = 0;
  for (int64_t i = 0; i < fc.count(); ++i) {
    largest = std::max(largest, std::abs(double{fc.data<float>()[i]}));
  }
  EXPECT_LE(largest, 1 / std::sqrt(512));
  EXPECT_GT(largest, 0.9 / std::sqrt(512));
  const Node& norm = graph.node(graph.find("bn1"));
  EXPECT_EQ(norm.weight("weight").data<float>()[7], 1);
  EXPECT_EQ(norm.weight("running_var").data<float>()[7], 1);
  EXPECT_EQ(norm.weight("bias").data<float>()[7], 0);
  EXPECT_EQ(norm.weight("running_mean").data<float>()[7], 0);
}

TEST(ResNet, TheSeedDecidesTheWeights) {
  ResNetSpec spec = small_spec("resnet18");
  const auto first_bytes = [&] {
    return std::string(build_resnet(spec).node(1).weight("weight").bytes());
  };
  const std::string bytes = first_bytes();
  EXPECT_EQ(bytes, first_bytes());
  spec.seed = 1;
  EXPECT_NE(bytes, first_bytes());
}

TEST(ResNet, SuggestsTheArchitectureThatWasMeant) {
  ResNetSpec spec = small_spec("resnet05");
  EXPECT_THAT(error_of([&] { build_resnet(spec); }), HasSubstr("did you mean 'resnet"));
  spec.architecture = "vgg";
  EXPECT_THAT(error_of([&] { build_resnet(spec); }), HasSubstr("expected one of resnet18, "));
}

TEST(ResNet, RefusesAbsurdSizes) {
  const auto complaint = [](auto edit) {
    ResNetSpec spec = small_spec("resnet18");
    edit(spec);
    return error_of([&] { build_resnet(spec); });
  };
  EXPECT_THAT(complaint([](auto& s) { s.outputs = 0; }), HasSubstr("number of outputs is 0"));
  EXPECT_THAT(complaint([](auto& s) { s.height = 0; }), HasSubstr("height is 0"));
  EXPECT_THAT(complaint([](auto& s) { s.width = 1 << 30; }), HasSubstr("width is"));
  EXPECT_THAT(complaint([](auto& s) { s.width_multiplier = 0; }), HasSubstr("width multiplier"));
  EXPECT_THAT(complaint([](auto& s) { s.width_multiplier = NAN; }), HasSubstr("width multiplier"));
}

TEST(GraphFromWeights, InfersWidthAndOutputs) {
  for (const std::string& architecture : resnet_architectures()) {
    const Graph graph = build_resnet(small_spec(architecture));
    const Graph read = graph_from_weights(architecture, weights_of(graph), 64, 64, "w.pt");
    ASSERT_EQ(read.size(), graph.size());
    EXPECT_EQ(weights_of(read).at("layer2.0.conv2.weight").bytes(),
              weights_of(graph).at("layer2.0.conv2.weight").bytes());
    EXPECT_EQ(read.output_count(), 2);
  }
}

TEST(GraphFromWeights, ListsWhatIsMissingUnexpectedAndMisshapen) {
  TensorMap weights = weights_of(build_resnet(small_spec("resnet18")));
  weights.erase("bn1.bias");
  weights["extra.weight"] = Tensor::from<float>({1}, {1});
  weights["layer1.0.bn1.bias"] = Tensor::from<float>({3}, {1, 2, 3});
  weights["layer1.0.bn2.bias"] = Tensor::from<int32_t>({8}, std::vector<int32_t>(8));
  const std::string error =
      error_of([&] { graph_from_weights("resnet18", weights, 64, 64, "w.pt"); });
  EXPECT_THAT(error, HasSubstr("w.pt: the weights aren't those of resnet18"));
  EXPECT_THAT(error, HasSubstr("1 missing (bn1.bias)"));
  EXPECT_THAT(error, HasSubstr("1 unexpected (extra.weight)"));
  EXPECT_THAT(error, HasSubstr("layer1.0.bn1.bias is f32 [3], expected f32 [8]"));
  EXPECT_THAT(error, HasSubstr("layer1.0.bn2.bias is i32 [8]"));
}

TEST(GraphFromWeights, RefusesAnotherArchitecturesWeights) {
  const TensorMap weights = weights_of(build_resnet(small_spec("resnet18")));
  for (const std::string& architecture : known_architectures()) {
    if (architecture == "resnet18") continue;
    EXPECT_THAT(error_of([&] { graph_from_weights(architecture, weights, 64, 64, "w.pt"); }),
                HasSubstr("aren't those of " + architecture));
  }
  EXPECT_THAT(error_of([&] { graph_from_weights("resnet18", {}, 64, 64, "w.pt"); }),
              HasSubstr("'conv1.weight' of 4 axes is missing"));
}

}  // namespace
}  // namespace fpcls
