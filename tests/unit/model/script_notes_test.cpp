#include "model/script_notes.h"

#include <gmock/gmock.h>

#include "unit/model/pickle_builder.h"

namespace fpcls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ScriptNotesTest : public testing::Test {
 protected:
  /// What is read from an archive that holds this one file.
  ScriptNotes read(const std::string& name, const std::string& content) {
    return read_script_notes(
        folder_.with("m.pt", zip_bytes({{"m/" + name, content}, {"m/version", "3\n"}})));
  }
  std::string complaint(const std::string& content) {
    return error_of([&] { read("extra/config.json", content); });
  }

  ScratchFolder folder_;
};

TEST_F(ScriptNotesTest, ReadBackWhatExportWrites) {
  Metadata metadata;
  metadata.head = {{"plan", "photo"}, 1, 2.5F};
  metadata.preprocessing.height = 64;
  metadata.preprocessing.width = 96;
  metadata.preprocessing.fit = Fit::stretch;
  metadata.preprocessing.decode = Decode::fast;
  metadata.preprocessing.mean = {0.1F, 0.2F, 0.3F};
  metadata.preprocessing.std = {0.4F, 0.5F, 0.6F};
  metadata.accept = 0.7F;
  metadata.architecture = "resnet18";
  const ScriptNotes notes = read("extra/fpcls.json", script_notes_text(metadata));
  EXPECT_THAT(notes.labels, ElementsAre("plan", "photo"));
  EXPECT_EQ(notes.positive, "photo");
  EXPECT_EQ(notes.temperature, 2.5F);
  EXPECT_EQ(notes.height, 64);
  EXPECT_EQ(notes.width, 96);
  EXPECT_EQ(notes.fit, Fit::stretch);
  EXPECT_EQ(notes.decode, Decode::fast);
  EXPECT_EQ(notes.mean, metadata.preprocessing.mean);
  EXPECT_EQ(notes.std, metadata.preprocessing.std);
  EXPECT_EQ(notes.accept, 0.7F);
  EXPECT_EQ(notes.architecture, "resnet18");
}

TEST_F(ScriptNotesTest, UnderstandTimmsConfigurations) {
  for (const bool inside : {false, true}) {
    const std::string keys =
        R"("input_size": [3, 288, 256], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.25, 1],)"
        R"( "crop_pct": 0.9, "interpolation": "bicubic", "label_names": ["a", "b"])";
    const ScriptNotes notes =
        read("extra/config.json",
             inside ? R"({"architecture": "resnet50", "pretrained_cfg": {)" + keys + "}}"
                    : "{" + keys + "}");
    EXPECT_EQ(notes.height, 288);
    EXPECT_EQ(notes.width, 256);
    EXPECT_EQ(notes.resize, 320);
    EXPECT_EQ(notes.mean, (std::array<float, 3>{0.5F, 0.5F, 0.5F}));
    EXPECT_EQ(notes.std, (std::array<float, 3>{0.5F, 0.25F, 1}));
    EXPECT_THAT(notes.labels, ElementsAre("a", "b"));
    EXPECT_EQ(notes.architecture, inside ? "resnet50" : "");
    EXPECT_FALSE(notes.accept.has_value());
  }
}

TEST_F(ScriptNotesTest, SayNothingWhereTheFileDoesnt) {
  const ScriptNotes notes = read("extra/other.json", "{}");
  EXPECT_TRUE(notes.labels.empty());
  EXPECT_FALSE(notes.height || notes.mean || notes.fit);
}

TEST_F(ScriptNotesTest, RefuseWhatMakesNoSense) {
  EXPECT_THAT(complaint("{"), HasSubstr("extra/config.json: is damaged"));
  EXPECT_THAT(complaint("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(complaint(R"({"input_size": [3, 0, 224]})"), HasSubstr("input_size is [3, 0, 224]"));
  EXPECT_THAT(complaint(R"({"input_size": [3, 224]})"), HasSubstr("2 values, expected 3"));
  EXPECT_THAT(complaint(R"({"mean": [1, 2, 1e300]})"), HasSubstr("'mean' has 1e+300"));
  EXPECT_THAT(complaint(R"({"std": [1, 0, 1]})"), HasSubstr("'std' has 0"));
  EXPECT_THAT(complaint(R"({"input_size": [3, 224, 224], "crop_pct": 0})"),
              HasSubstr("crop_pct is 0"));
  EXPECT_THAT(complaint(R"({"label_names": [1]})"), HasSubstr("expected a string"));
  EXPECT_THAT(complaint(std::string(2 << 20, ' ')), HasSubstr("larger than"));
}

}  // namespace
}  // namespace fpcls
