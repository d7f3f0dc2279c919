#include "model/model_file.h"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/hash.h"
#include "graph/bf16.h"
#include "model/safetensors.h"
#include "unit/model/sample_models.h"
#include "unit/model/test_files.h"

namespace fpcls {
namespace {

using testing::HasSubstr;

void expect_same(const Graph& a, const Graph& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(a.input_shape(), b.input_shape());
  for (int i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a.node(i).op, b.node(i).op);
    EXPECT_EQ(a.node(i).name, b.node(i).name);
    EXPECT_EQ(a.node(i).inputs, b.node(i).inputs);
    EXPECT_EQ(a.node(i).attributes.index(), b.node(i).attributes.index());
    ASSERT_EQ(a.node(i).weights.size(), b.node(i).weights.size());
    for (const auto& [key, tensor] : a.node(i).weights) {
      EXPECT_EQ(tensor.bytes(), b.node(i).weight(key).bytes()) << a.node(i).name << key;
      EXPECT_EQ(tensor.shape(), b.node(i).weight(key).shape());
    }
  }
  ASSERT_EQ(a.outputs().size(), b.outputs().size());
  for (size_t i = 0; i < a.outputs().size(); ++i) {
    EXPECT_EQ(a.outputs()[i].name, b.outputs()[i].name);
    EXPECT_EQ(a.outputs()[i].node, b.outputs()[i].node);
  }
}

void expect_same(const Metadata& a, const Metadata& b) {
  EXPECT_EQ(a.head.labels, b.head.labels);
  EXPECT_EQ(a.head.positive, b.head.positive);
  EXPECT_EQ(a.head.temperature, b.head.temperature);
  EXPECT_TRUE(same_pixels(a.preprocessing, b.preprocessing));
  EXPECT_EQ(a.preprocessing.mean, b.preprocessing.mean);
  EXPECT_EQ(a.preprocessing.std, b.preprocessing.std);
  EXPECT_EQ(a.accept, b.accept);
  EXPECT_EQ(a.precision, b.precision);
  EXPECT_EQ(a.architecture, b.architecture);
  EXPECT_EQ(a.provenance, b.provenance);
}

/// Rewrites the JSON of the model in `path`, leaving everything else as it was.
template <class Edit>
void edit_json(const std::filesystem::path& path, Edit edit) {
  Safetensors content = read_safetensors(path);
  auto value = nlohmann::json::parse(content.metadata.at("fpcls"));
  edit(value);
  content.metadata["fpcls"] = value.dump();
  write_safetensors(path, content);
}

/// The same, with the hash made right again: what a hostile file would do.
template <class Edit>
void forge(const std::filesystem::path& path, Edit edit) {
  edit_json(path, [&](nlohmann::json& value) { edit(value["model"]); });
  const std::string error = error_of([&] { load_model_file(path); });
  const size_t at = error.find("SHA-256 ");
  ASSERT_NE(at, std::string::npos) << error;
  edit_json(path, [&](nlohmann::json& value) { value["sha256"] = error.substr(at + 8, 64); });
}

class ModelFileTest : public testing::Test {
 protected:
  std::string load_error() const {
    return error_of([&] { load_model_file(path_); });
  }

  ScratchFolder folder_;
  const std::filesystem::path path_ = folder_ / "m.safetensors";
};

TEST_F(ModelFileTest, ReadsBackEveryOpAndEveryField) {
  save_model_file(path_, every_op(), some_metadata());
  const ModelFile read = load_model_file(path_);
  expect_same(every_op(), read.graph);
  const Node& conv = read.graph.node(1);
  EXPECT_EQ(conv.conv().stride, (Pair{2, 1}));
  EXPECT_EQ(conv.conv().padding, (Padding{1, 0, 1, 2}));
  EXPECT_EQ(conv.conv().groups, 3);
  EXPECT_EQ(std::get<NormAttributes>(read.graph.node(2).attributes).epsilon, 1e-3);
  EXPECT_EQ(std::get<NormAttributes>(read.graph.node(2).attributes).momentum, 0.01);
  EXPECT_TRUE(read.graph.node(read.graph.find("avg_pool")).pool().count_include_pad);
  EXPECT_TRUE(read.graph.node(read.graph.find("avg_pool")).pool().ceil_mode);
  const auto attributes = [&](auto kind, const char* name) {
    return std::get<decltype(kind)>(read.graph.node(read.graph.find(name)).attributes);
  };
  EXPECT_EQ(attributes(LeakyAttributes(), "leaky_relu").slope, 0.2);
  EXPECT_EQ(attributes(PowerAttributes(), "pow").exponent, -0.5);
  EXPECT_FALSE(attributes(AffineAttributes(), "affine").learned);
  EXPECT_EQ(attributes(LayerNormAttributes(), "layer_norm").axis, 2);
  EXPECT_EQ(attributes(LayerNormAttributes(), "layer_norm").epsilon, 1e-6);
  EXPECT_EQ(attributes(PermuteAttributes(), "permute").axes, (Shape{0, 2, 3, 1}));
  EXPECT_EQ(attributes(ReshapeAttributes(), "reshape").shape, (Shape{3, 4}));
  const auto slice = attributes(SliceAttributes(), "slice");
  EXPECT_EQ((Shape{slice.axis, slice.begin, slice.end, slice.step}), (Shape{3, 0, 9, 8}));
  const auto pad = attributes(PadAttributes(), "pad");
  EXPECT_EQ(pad.before, (Shape{0, 0, 1, 0}));
  EXPECT_EQ(pad.after, (Shape{0, 1, 0, 0}));
  EXPECT_EQ(pad.value, 0.25);
  expect_same(some_metadata(), read.metadata);
  EXPECT_EQ(read.sha256, sha256_hex(read_file(path_)));
}

TEST_F(ModelFileTest, ReadsBackBf16Weights) {
  const Graph graph = tiny_graph();
  auto nodes = graph.nodes();
  nodes[2].weights["weight"] = as_bf16(nodes[2].weights["weight"]);
  const Graph bf16 = graph.with_nodes(nodes);
  save_model_file(path_, bf16, tiny_metadata());
  const Graph read = load_model_file(path_).graph;
  expect_same(bf16, read);
  EXPECT_TRUE(read.node(2).is_bf16());
  nodes[2].weights["weight"] = as_bf16(Tensor::from<float>({1, 3}, {1, std::nanf(""), 2}));
  const Graph bad = graph.with_nodes(nodes);
  EXPECT_THAT(error_of([&] { save_model_file(path_, bad, tiny_metadata()); }),
              HasSubstr("layer 'fc': weight has NaN"));
}

TEST_F(ModelFileTest, TheSameModelGivesTheSameBytes) {
  save_model_file(path_, every_op(), some_metadata());
  const ModelFile read = load_model_file(path_);
  save_model_file(folder_ / "again", read.graph, read.metadata);
  EXPECT_EQ(read_file(path_), read_file(folder_ / "again"));
}

TEST_F(ModelFileTest, KeepsEveryFloatOfThePreprocessing) {
  Metadata metadata = tiny_metadata();
  for (const float value : {0.1F, 1.0F / 3, 1e-30F, std::numeric_limits<float>::min()}) {
    metadata.preprocessing.mean = {value, -value, 0};
    metadata.accept = value;
    save_model_file(path_, tiny_graph(), metadata);
    const ModelFile read = load_model_file(path_);
    EXPECT_EQ(read.metadata.preprocessing.mean, metadata.preprocessing.mean);
    EXPECT_EQ(read.metadata.accept, metadata.accept);
  }
}

TEST_F(ModelFileTest, NoFlippedByteGoesUnnoticed) {
  save_model_file(path_, tiny_graph(), tiny_metadata());
  const std::string bytes = read_file(path_);
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const unsigned char mask : {0x01, 0x20, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ mask);
      const auto path = folder_.with("d", damaged);
      try {
        const ModelFile read = load_model_file(path);
        expect_same(tiny_graph(), read.graph);
        expect_same(tiny_metadata(), read.metadata);
        ASSERT_FALSE(HasFailure()) << "byte " << i << " mask " << int{mask};
      } catch (const Error&) {
      }
    }
  }
}

TEST_F(ModelFileTest, NoTruncatedFileIsTaken) {
  save_model_file(path_, tiny_graph(), tiny_metadata());
  const std::string bytes = read_file(path_);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const auto path = folder_.with("d", bytes.substr(0, length));
    EXPECT_THROW(load_model_file(path), Error) << length;
  }
}

TEST_F(ModelFileTest, SaysThatAChangedWeightIsDamage) {
  save_model_file(path_, tiny_graph(), tiny_metadata());
  std::string bytes = read_file(path_);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file(path_, bytes);
  EXPECT_THAT(load_error(), HasSubstr("is damaged: its content has SHA-256"));
}

TEST_F(ModelFileTest, RefusesANewerVersion) {
  save_model_file(path_, tiny_graph(), tiny_metadata());
  edit_json(path_, [](nlohmann::json& value) { value["schema_version"] = 2; });
  EXPECT_THAT(load_error(),
              HasSubstr("has schema version 2, this fpcls reads up to 1; use a newer"));
}

TEST_F(ModelFileTest, RefusesAnUnknownOpByName) {
  save_model_file(path_, tiny_graph(), tiny_metadata());
  forge(path_, [](nlohmann::json& model) { model["graph"]["nodes"][1]["op"] = "warp"; });
  EXPECT_THAT(load_error(), HasSubstr("layer 'flatten': has the op 'warp'"));
}

TEST_F(ModelFileTest, EveryOpIsInTheNetworkThatHasEveryOp) {
  std::set<Op> seen;
  const Graph graph = every_op();
  for (const Node& node : graph.nodes()) seen.insert(node.op);
  for (const auto& [op, name] : EnumNames<Op>::entries) EXPECT_EQ(seen.count(op), 1u) << name;
}

TEST_F(ModelFileTest, RefusesForgedGraphs) {
  const auto forged = [&](auto edit) {
    save_model_file(path_, tiny_graph(), tiny_metadata());
    forge(path_, edit);
    return load_error();
  };
  using nlohmann::json;
  EXPECT_THAT(forged([](json& m) { m["graph"]["nodes"][1]["inputs"] = {"fc"}; }),
              HasSubstr("reads 'fc', which is no layer before it"));
  EXPECT_THAT(forged([](json& m) { m["graph"]["nodes"][1]["inputs"] = json::array(); }),
              HasSubstr("reads 0 inputs, expected 1"));
  EXPECT_THAT(forged([](json& m) { m["graph"]["nodes"][1]["colour"] = 1; }),
              HasSubstr("unknown member 'colour'"));
  EXPECT_THAT(forged([](json& m) { m["graph"]["nodes"][1].erase("axis"); }),
              HasSubstr("has no 'axis'"));
  EXPECT_THAT(forged([](json& m) {
                m["graph"]["nodes"][2]["weights"] = {"weight", "bias"};
              }),
              HasSubstr("its 'bias' is not in the file"));
  EXPECT_THAT(forged([](json& m) { m["graph"]["nodes"][2].erase("weights"); }),
              HasSubstr("has 1 tensors, but its graph uses 0"));
  EXPECT_THAT(forged([](json& m) { m["graph"]["input_shape"][3] = int64_t{1} << 62; }),
              HasSubstr("extents"));
  EXPECT_THAT(forged([](json& m) { m["graph"]["outputs"] = json::array(); }),
              HasSubstr("there is no output"));
  for (const double temperature : {0.0, -1.0, 1e300}) {
    EXPECT_THAT(forged([&](json& m) { m["metadata"]["head"]["temperature"] = temperature; }),
                HasSubstr("the temperature is")) << temperature;
  }
  EXPECT_THAT(forged([](json& m) { m["metadata"]["head"]["positive"] = 1e99; }),
              HasSubstr("not an integer"));
  EXPECT_THAT(forged([](json& m) { m["metadata"]["head"]["positive"] = int64_t{1} << 40; }),
              HasSubstr("the positive label is number"));
  EXPECT_THAT(forged([](json& m) {
                m["metadata"]["head"]["labels"] = {"a", "b"};
              }),
              HasSubstr("has 1 outputs and 2 labels"));
  EXPECT_THAT(forged([](json& m) { m["metadata"]["preprocessing"]["height"] = -1; }),
              HasSubstr("height is -1"));
  EXPECT_THAT(forged([](json& m) {
                m["metadata"]["preprocessing"]["std"] = {1, 0, 1};
              }),
              HasSubstr("std is 0"));
  EXPECT_THAT(forged([](json& m) { m["metadata"]["preprocessing"]["fit"] = "squeeze"; }),
              HasSubstr("fit is 'squeeze', expected one of stretch, center_crop"));
  EXPECT_THAT(forged([](json& m) { m["metadata"]["accept"] = 1.5; }), HasSubstr("accept is 1.5"));
}

TEST_F(ModelFileTest, RefusesNanWeightsByLayer) {
  const Graph graph = tiny_graph();
  auto nodes = graph.nodes();
  nodes[2].weights["weight"] = Tensor::from<float>({1, 3}, {1, std::nanf(""), 2});
  const Graph bad = graph.with_nodes(nodes);
  EXPECT_THAT(error_of([&] { save_model_file(path_, bad, tiny_metadata()); }),
              HasSubstr("layer 'fc': weight has NaN"));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ModelFileTest, RefusesMetadataThatDoesntSuitTheGraph) {
  Metadata metadata = tiny_metadata();
  metadata.preprocessing.height = 2;
  EXPECT_THAT(error_of([&] { save_model_file(path_, tiny_graph(), metadata); }),
              HasSubstr("preprocessing gives [1, 3, 2, 1]"));
  metadata = tiny_metadata();
  metadata.head.labels = {"\xff"};
  EXPECT_THAT(error_of([&] { save_model_file(path_, tiny_graph(), metadata); }),
              HasSubstr("not valid UTF-8"));
}

TEST_F(ModelFileTest, SaysThatBareWeightsNeedAnArchitecture) {
  Safetensors content;
  content.tensors["a"] = ramp({1}, 1);
  write_safetensors(path_, content);
  EXPECT_THAT(load_error(), HasSubstr("holds weights but no fpcls model; say which network"));
}

TEST_F(ModelFileTest, RefusesFilesThatArentThere) {
  EXPECT_THAT(load_error(), HasSubstr("m.safetensors': cannot open"));
}

}  // namespace
}  // namespace fpcls
