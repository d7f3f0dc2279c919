#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "model/model_file.h"
#include "run/evaluate.h"
#include "run/gate.h"
#include "temporary_folder.h"

namespace fpcls {
namespace {

const std::string kSource = FPCLS_SOURCE_DIR;

/// Weights that only 16 values a layer are left of.
Graph with_four_bits(const Graph& graph) {
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes) {
    if (node.op != Op::conv && node.op != Op::linear) continue;
    const Tensor& weight = node.weights.at("weight");
    std::vector<float> values(weight.data<float>(), weight.data<float>() + weight.count());
    float largest = 0;
    for (const float value : values) largest = std::max(largest, std::abs(value));
    const float step = largest / 7;
    for (float& value : values) value = step > 0 ? std::round(value / step) * step : value;
    node.weights["weight"] = Tensor::from(weight.shape(), std::move(values));
  }
  return graph.with_nodes(std::move(nodes));
}

/// What really goes wrong with models, and whether the gate notices.
class GateRegressions : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    // A gate is certain of nothing on the few pictures of datasets/sample.
    const std::string draw = std::string(FPCLS_BINARY_DIR) + "/bin/fpcls-sample " + at("pictures") +
                             " --count 700 --seed 21 --size-range 130 200 --quiet";
    ASSERT_EQ(std::system(draw.c_str()), 0);
    evaluate("base", stages());
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static std::vector<StageOptions> stages() {
    std::vector<StageOptions> all;
    for (const char* name : {"wireframe", "satellite", "photo", "garden", "white"}) {
      StageOptions stage;
      stage.name = name;
      stage.model = kSource + "/models/" + name + ".safetensors";
      stage.accept = 0.5F;
      all.push_back(stage);
    }
    all.back().negative = "complex";
    all.back().accept = 0.7F;
    return all;
  }

  static std::string at(const std::string& name) { return (folder_->path() / name).string(); }

  static void evaluate(const std::string& name, const std::vector<StageOptions>& cascade) {
    EvaluateOptions options;
    options.input.inputs = {at("pictures")};
    options.cascade.cascade = cascade;
    options.cascade.all_stages = true;
    options.out = at(name);
    options.output.quiet = true;
    run_evaluate(options, {"fpcls", "evaluate"});
  }

  /// What the gate says of a cascade in which `change` was done to every model.
  template <class Change>
  static GateResult judge_changed(const std::string& name, const Change& change) {
    std::vector<StageOptions> cascade = stages();
    for (StageOptions& stage : cascade) {
      ModelFile model = load_model_file(stage.model);
      const Graph graph = change(model);
      stage.model = at(name + "." + stage.name + ".safetensors");
      save_model_file(stage.model, graph, model.metadata);
    }
    evaluate(name, cascade);
    return judge(name);
  }

  static GateResult judge(const std::string& name) {
    GateOptions options;
    options.runs = {at("base"), at(name)};
    return run_gate(options);
  }

  static TemporaryFolder* folder_;
};

TemporaryFolder* GateRegressions::folder_ = nullptr;

TEST_F(GateRegressions, TheSameModelsAgainPass) {
  evaluate("again", stages());
  const GateResult result = judge("again");
  EXPECT_EQ(result.answer, GateAnswer::pass);
  EXPECT_TRUE(result.comparison.identical);
  EXPECT_EQ(result.exit_code, 0);
}

TEST_F(GateRegressions, AMovedThresholdFails) {
  std::vector<StageOptions> cascade = stages();
  cascade[2].accept = 0.97F;
  evaluate("moved", cascade);
  const GateResult result = judge("moved");
  EXPECT_EQ(result.answer, GateAnswer::fail);
  EXPECT_EQ(result.exit_code, 1);
}

TEST_F(GateRegressions, WeightsOfFourBitsFail) {
  const GateResult result = judge_changed(
      "four_bits", [](const ModelFile& model) { return with_four_bits(model.graph); });
  EXPECT_EQ(result.answer, GateAnswer::fail);
}

TEST_F(GateRegressions, AWrongMeanFails) {
  const GateResult result = judge_changed("mean", [](ModelFile& model) {
    model.metadata.preprocessing.mean = {0, 0, 0};
    return model.graph;
  });
  EXPECT_EQ(result.answer, GateAnswer::fail);
  const auto preprocessing =
      std::find_if(result.differences.begin(), result.differences.end(),
                   [](const RunDifference& d) { return d.what == "preprocessing of photo"; });
  EXPECT_NE(preprocessing, result.differences.end());
}

}  // namespace
}  // namespace fpcls
