#include "run/load_model.h"

#include <gmock/gmock.h>

#include "exec/backend.h"
#include "model/script_notes.h"
#include "run/environment.h"
#include "temporary_folder.h"

namespace fpcls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor filled(const Shape& shape, float value) {
  return Tensor::from<float>(shape,
                             std::vector<float>(static_cast<size_t>(element_count(shape)), value));
}

/// A network that scales what it is given, by numbers that are its own or learned.
Graph scaling_network(bool learned) {
  Node scale{
      Op::affine, "scale", {0}, AffineAttributes{learned}, {{"scale", filled({1, 3, 1, 1}, 4)}}};
  Node linear{Op::linear, "fc", {2}, {}, {{"weight", filled({2, 3 * 16 * 16}, 0.1F)}}};
  return Graph({1, 3, 16, 16},
               {{Op::input, "input", {}, {}, {}},
                scale,
                {Op::flatten, "flatten", {1}, AxisAttributes{1}, {}},
                linear},
               {{"logits", 3}});
}

class LoadScriptTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!torch_is_there()) GTEST_SKIP() << "built without libtorch";
    foreign_.size = 16;
    foreign_.model_labels = {"plan", "photo"};
    foreign_.positive = "photo";
  }

  LoadedModel load(const Graph& graph, const std::string& note = "",
                   HeadNeed need = HeadNeed::required) {
    torch_backend().save_torchscript(path_, graph, note);
    return load_model(path_, foreign_, need);
  }
  std::string complaint(const Graph& graph, const std::string& note = "") {
    try {
      load(graph, note);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
  const std::string path_ = (folder_.path() / "m.pt").string();
  ForeignModelOptions foreign_;
};

TEST_F(LoadScriptTest, ANetworkThatNormalisesItsInputAsksForMeanAndStd) {
  const std::string error = complaint(scaling_network(/*learned=*/false));
  EXPECT_THAT(error, HasSubstr("'" + path_ + "': scales its input itself (layer "));
  EXPECT_THAT(error, HasSubstr("--mean and --std"));
  EXPECT_EQ(complaint(scaling_network(/*learned=*/true)), "");
  EXPECT_NO_THROW(load(scaling_network(false), "", HeadNeed::optional));
  foreign_.mean = {0, 0, 0};
  EXPECT_THAT(complaint(scaling_network(false)), HasSubstr("--mean and --std"));
  foreign_.std = {1, 1, 1};
  EXPECT_EQ(load(scaling_network(false)).preprocessing.std, (std::array<float, 3>{1, 1, 1}));
}

TEST_F(LoadScriptTest, TakesWhatTheFileNotesAndFlagsBeforeIt) {
  Metadata metadata;
  metadata.head = {{"a", "b"}, 0};
  metadata.preprocessing.height = metadata.preprocessing.width = metadata.preprocessing.resize = 16;
  metadata.preprocessing.mean = {0.25F, 0.5F, 0.75F};
  metadata.preprocessing.fit = Fit::stretch;
  metadata.accept = 0.875F;
  const std::string note = script_notes_text(metadata);
  foreign_ = {};
  const LoadedModel noted = load(scaling_network(false), note);
  EXPECT_THAT(noted.head.labels, ElementsAre("a", "b"));
  EXPECT_EQ(noted.head.positive, 0);
  EXPECT_EQ(noted.preprocessing.height, 16);
  EXPECT_EQ(noted.preprocessing.mean, metadata.preprocessing.mean);
  EXPECT_EQ(noted.preprocessing.fit, Fit::stretch);
  EXPECT_EQ(noted.accept, 0.875F);
  foreign_.positive = "b";
  foreign_.mean = {0, 0, 0};
  const LoadedModel flagged = load(scaling_network(false), note);
  EXPECT_EQ(flagged.head.positive, 1);
  EXPECT_EQ(flagged.preprocessing.mean, (std::array<float, 3>{0, 0, 0}));
  EXPECT_EQ(flagged.preprocessing.std, metadata.preprocessing.std);
}

TEST_F(LoadScriptTest, LabelsInOneFlagAreNoLabels) {
  foreign_.model_labels = {"plan,photo"};
  EXPECT_THAT(complaint(scaling_network(true)),
              HasSubstr("got one label 'plan,photo'; give each a flag of its own"));
}

TEST_F(LoadScriptTest, SaysWhichNoteItCannotRead) {
  EXPECT_THAT(complaint(scaling_network(true), "{"), HasSubstr("extra/fpcls.json: is damaged"));
}

TEST(IsaRemark, IsMadeWhereAnInt8ModelWasCheckedOnAnotherProcessor) {
  LoadedModel model(scaling_network(true));
  model.path = "a.safetensors";
  EXPECT_EQ(isa_remark(model), "");
  model.provenance = {{"int8_isa", int8_instructions()}};
  EXPECT_EQ(isa_remark(model), "");
  model.provenance = {{"int8_isa", "an abacus"}};
  EXPECT_THAT(isa_remark(model),
              testing::StartsWith("'a.safetensors': was quantized and checked on a processor with "
                                  "an abacus, this one has "));
}

}  // namespace
}  // namespace fpcls
