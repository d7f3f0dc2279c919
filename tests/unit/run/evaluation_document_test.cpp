#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/render_markdown.h"
#include "report/render_text.h"
#include "run/evaluation_report.h"
#include "unit/run/golden_run.h"

namespace fpcls {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string table_text(const Document& document, std::string_view name) {
  const Table* table = document.find_table(name);
  return table == nullptr ? "no such table" : render_text(*table);
}

TEST(EvaluationDocument, ShowsTheAcceptanceTableOfVersionTwo) {
  const RunInfo run = floorplan_run();
  const Evaluation evaluation = golden_evaluation(run);
  ASSERT_EQ(evaluation.images.judged, 7333);
  const std::string text = table_text(evaluation_document(run, evaluation), "classes");
  for (const char* row : {
           "wireframe  7,333        270     17       6  0.996863   0.937037  0.976834",
           "satellite  7,333        122      3       1  0.999455   0.975410  0.991667",
           "photo      7,333        216      0       7  0.999045   1.000000  0.968610",
           "simple     7,333      5,229     29       0  0.996045   0.994454  1.000000",
           "complex    7,333      1,479      2       1  0.999591   0.998648  0.999323",
           "garden     7,333         17      1       1  0.999727   0.941176  0.941176",
       }) {
    EXPECT_THAT(text, HasSubstr(row));
  }
}

TEST(EvaluationDocument, HasEverySection) {
  const RunInfo run = floorplan_run();
  const Document document = evaluation_document(run, golden_evaluation(run));
  for (const char* name : {"classes", "buckets", "funnel", "confusion", "slices", "slice_precision",
                           "slice_recall", "latency", "errors", "models"}) {
    EXPECT_NE(document.find_table(name), nullptr) << name;
  }
  EXPECT_EQ(document.find_table("bad_images"), nullptr) << "nothing to list";
  EXPECT_EQ(document.find_table("errors")->rows().size(), 20u);
  EXPECT_THAT(render_markdown(document), HasSubstr("precision: TP / (TP + FP)"));
}

TEST(EvaluationSummary, HasTheTablesOfVersionTwoAndNoLists) {
  const RunInfo run = floorplan_run();
  const Evaluation evaluation = golden_evaluation(run);
  const Document brief = evaluation_summary(run, evaluation);
  const Document full = evaluation_document(run, evaluation);
  for (const char* name : {"classes", "buckets", "funnel", "slices", "latency"}) {
    EXPECT_EQ(table_text(brief, name), table_text(full, name));
  }
  for (const char* name : {"errors", "confusion", "models"}) {
    EXPECT_EQ(brief.find_table(name), nullptr) << name;
  }
}

TEST(EvaluationDocument, KeepsChineseLabelsInLine) {
  RunInfo run;
  run.stages.push_back({"线框", {"线框"}, "户外园林", 0.5F, true, "m", "", "f32"});
  run.slices = {"六月"};
  EvaluationAccumulator accumulator(run);
  accumulator.add(decided(0, run, "线框", "线框"));
  accumulator.add(decided(1, run, "户外园林", "户外园林"));
  const std::string text = table_text(evaluation_document(run, accumulator.result()), "confusion");
  EXPECT_THAT(text, HasSubstr("truth     线框  户外园林  other\n"));
  EXPECT_THAT(text, HasSubstr("户外园林     0         1      0\n"));
}

TEST(EvaluationDocument, SaysThatThereIsNothingToJudgeByWithoutLabels) {
  const RunInfo run = floorplan_run();
  EvaluationAccumulator accumulator(run);
  for (int64_t row = 0; row < 4; ++row) {
    Prediction p = decided(row, run, "", row == 0 ? "other" : "photo");
    p.label.reset();
    accumulator.add(p);
  }
  const Document document = evaluation_document(run, accumulator.result());
  EXPECT_EQ(document.find_table("classes"), nullptr);
  EXPECT_EQ(document.find_table("confusion"), nullptr);
  EXPECT_THAT(render_text(document), HasSubstr("No picture has a label"));
  EXPECT_THAT(table_text(document, "accepted"), HasSubstr("photo             3   75.0\n"));
  EXPECT_THAT(table_text(document, "accepted"), HasSubstr("other             1   25.0\n"));
}

TEST(EvaluationDocument, OfNothingIsStillADocument) {
  const RunInfo run;
  const Evaluation nothing = EvaluationAccumulator(run).result();
  const std::string text = render_text(evaluation_document(run, nothing));
  EXPECT_THAT(text, HasSubstr("Evaluation of 0 pictures"));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
}

TEST(EvaluationDocument, ShowsTheFirstBadPicturesAndCountsThemAll) {
  const RunInfo run = floorplan_run();
  EvaluationAccumulator accumulator(run);
  for (int64_t row = 0; row < 25; ++row) accumulator.add(undecodable(row));
  const Document document = evaluation_document(run, accumulator.result());
  EXPECT_EQ(document.find_table("bad_images")->rows().size(), 10u);
  EXPECT_THAT(table_text(document, "bad_image_codes"), HasSubstr("truncated        25\n"));
}

TEST(SideBySide, ShowsDifferencesInPoints) {
  const RunInfo run = floorplan_run();
  EvaluationAccumulator a(run), b(run);
  for (int64_t row = 0; row < 4; ++row) {
    a.add(decided(row, run, "photo", "photo"));
    b.add(decided(row, run, "photo", row == 0 ? "garden" : "photo"));
  }
  const Document document = side_by_side_document({"基线", "new"}, {a.result(), b.result()});
  EXPECT_EQ(table_text(document, "runs"),
            "run     judged     right  accuracy  difference\n"
            "      pictures  pictures         %      points\n"
            "──────────────────────────────────────────────\n"
            "基线         4         4    100.00           -\n"
            "new          4         3     75.00      -25.00\n");
  EXPECT_THAT(table_text(document, "recall"), HasSubstr("photo      100.00  75.00      -25.00\n"));
  EXPECT_THAT(table_text(document, "recall"), HasSubstr("satellite       -      -           -\n"));
}

TEST(SideBySide, ShowsAStageThatOneRunLacksAsAbsent) {
  const RunInfo run = floorplan_run();
  RunInfo shorter = run;
  shorter.stages.resize(3);
  EvaluationAccumulator a(run), b(shorter);
  a.add(decided(0, run, "garden", "garden"));
  b.add(decided(0, shorter, "photo", "photo"));
  const Document document = side_by_side_document({"a", "b"}, {a.result(), b.result()});
  EXPECT_THAT(table_text(document, "buckets_0"),
              HasSubstr("garden     100.00       -           -"));
}

}  // namespace
}  // namespace fpcls
