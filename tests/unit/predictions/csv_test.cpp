#include "predictions/csv.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "reference/metrics/made_predictions.h"
#include "unit/predictions/same_prediction.h"

namespace fpcls {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PredictionsCsv : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  CsvPredictions read(const std::string& text, const std::vector<StageInfo>& stages = {}) {
    write_file(path_, text);
    return read_predictions_csv(path_, stages);
  }

  std::string error_of(const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  std::filesystem::path path_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string("predictions_csv_") +
       testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv");
};

TEST_F(PredictionsCsv, ReadsTheLeastThatOthersGive) {
  const CsvPredictions csv =
      read("\xef\xbb\xbfpath,label,predicted\r\na.jpg,\xe7\xba\xbf,x\r\n\"b,c.jpg\",,y\r\n");
  ASSERT_EQ(csv.predictions.size(), 2u);
  EXPECT_EQ(csv.predictions[0].label, "线");
  EXPECT_EQ(csv.predictions[1].path, "b,c.jpg");
  EXPECT_EQ(csv.predictions[1].label, std::nullopt);
  EXPECT_EQ(csv.predictions[1].predicted, "y");
  EXPECT_EQ(csv.run.listed, 2);
  EXPECT_TRUE(csv.run.stages.empty());
  EXPECT_TRUE(csv.ignored_columns.empty());
}

TEST_F(PredictionsCsv, ReadsBackWhatItWrites) {
  for (const bool multi : {false, true}) {
    RunInfo run = made::run(multi, false);
    const auto predictions = made::predictions(run, 300, 4);
    {
      PredictionCsvWriter writer(path_, run);
      for (const Prediction& p : predictions) writer.write(p);
      writer.commit();
    }
    const CsvPredictions csv = read_predictions_csv(path_, run.stages);
    EXPECT_TRUE(csv.ignored_columns.empty());
    ASSERT_EQ(csv.predictions.size(), predictions.size());
    for (size_t i = 0; i < predictions.size(); ++i) {
      const Prediction& a = csv.predictions[i];
      const Prediction& b = predictions[i];
      EXPECT_EQ(a.path, b.path);
      EXPECT_EQ(a.slice, b.slice);
      EXPECT_EQ(a.sha256, b.sha256);
      EXPECT_EQ(a.label, b.label);
      EXPECT_EQ(a.predicted, b.predicted);
      EXPECT_EQ(a.stage, b.stage);
      EXPECT_EQ(a.decoded(), b.decoded());
      EXPECT_NEAR(a.total_ms(), b.total_ms(), 5e-4);
      ASSERT_EQ(a.scores.size(), b.scores.size());
      for (size_t k = 0; k < a.scores.size(); ++k)
        EXPECT_EQ(a.scores[k].scores, b.scores[k].scores);
    }
  }
}

TEST_F(PredictionsCsv, TakesAScoreForTheLabelOfItsNameAndTellsWhatItIgnores) {
  const CsvPredictions csv = read(
      "path,label,predicted,score.photo,score.white,score.kind.a,score.kind.b,note\n"
      "1,photo,photo,0.75,0.5,,,x\n2,other,a,0.25,0.5,0.9,0.1,y\n");
  ASSERT_EQ(csv.run.stages.size(), 2u);
  EXPECT_THAT(csv.run.stages[0].scored_labels, ElementsAre("photo"));
  EXPECT_THAT(csv.run.stages[1].scored_labels, ElementsAre("a", "b"));
  EXPECT_FALSE(csv.run.stages[1].binary);
  EXPECT_THAT(csv.ignored_columns, ElementsAre("note", "score.white"));
  EXPECT_EQ(csv.predictions[0].stage, 0);
  ASSERT_EQ(csv.predictions[1].scores.size(), 2u);
  EXPECT_EQ(csv.predictions[1].stage, 1);
  EXPECT_THAT(csv.predictions[1].scores[1].scores, ElementsAre(0.9F, 0.1F));
}

TEST_F(PredictionsCsv, RefusesWhatIsWrongWithItsPlace) {
  EXPECT_THAT(error_of(""), HasSubstr("no lines"));
  EXPECT_THAT(error_of("path,label\na,b\n"), HasSubstr("csv:1: no column 'predicted'"));
  EXPECT_THAT(error_of("path,predicted\n"), HasSubstr("no rows"));
  EXPECT_THAT(error_of("path,predicted\n,b\n"), HasSubstr(":2:1: the path is empty"));
  EXPECT_THAT(error_of("path,predicted\na,b\na,c\n"),
              HasSubstr(":3:1: 'a' is there twice (first on line 2)"));
  EXPECT_THAT(error_of("path,predicted,score.b\na,b,1.5\n"),
              HasSubstr(":2:5: 'score.b' is '1.5', expected a number from 0 to 1"));
  EXPECT_THAT(error_of("path,predicted,score.b\na,b,nan\n"), HasSubstr("'nan'"));
  EXPECT_THAT(error_of("path,predicted,score.b\na,b,0.5x\n"), HasSubstr("'0.5x'"));
  EXPECT_THAT(error_of("path,predicted,ms\na,b,-1\n"), HasSubstr("milliseconds"));
  EXPECT_THAT(error_of("path,predicted,sha256\na,b,12\n"), HasSubstr("not a SHA-256"));
  EXPECT_THAT(error_of("path,predicted,stage,score.b\na,b,c,1\n"),
              HasSubstr("no stage is named 'c'"));
  EXPECT_THAT(error_of("path,predicted,score.k.a,score.k.b\na,b,0.5,\n"),
              HasSubstr("has 1 scores, expected 2 or none"));
}

TEST_F(PredictionsCsv, TakesTheSamePathInTwoSlices) {
  EXPECT_EQ(read("path,predicted,slice\na,b,june\na,b,july\n").run.slices.size(), 2u);
}

}  // namespace
}  // namespace fpcls
