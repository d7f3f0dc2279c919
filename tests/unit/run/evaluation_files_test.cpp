#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "run/evaluation_report.h"
#include "temporary_folder.h"
#include "unit/run/golden_run.h"

namespace fpcls {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

std::string first_line(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  return text.substr(0, text.find('\n'));
}

TEST(ReportFiles, HaveTheColumnsThatScriptsRelyOn) {
  const TemporaryFolder folder;
  const auto out = folder.path() / "reports" / "q3";
  const RunInfo run = floorplan_run();
  write_report_files(out, run, golden_evaluation(run), {golden_predictions(run), {}});
  EXPECT_EQ(first_line(out / "classes.csv"),
            "label,total,predicted,tp,fp,fn,tn,accuracy,precision,recall,f1,precision_interval,"
            "recall_interval");
  EXPECT_EQ(first_line(out / "buckets.csv"), "stage,images,at_least,count,ratio");
  EXPECT_EQ(first_line(out / "latency.csv"),
            "phase,images,mean_ms,p50_ms,p90_ms,p95_ms,p99_ms,max_ms");
  EXPECT_EQ(first_line(out / "errors.csv"), "path,slice,label,predicted,stage,score,harm");
  EXPECT_EQ(first_line(out / "bad_images.csv"), "path,reason_code,reason");
  EXPECT_THAT(read_file(out / "classes.csv"),
              HasSubstr("\nwireframe,7333,270,253,17,6,7057,0.99686"));
  EXPECT_THAT(read_file(out / "buckets.csv"), HasSubstr("\nphoto,6941,0.95,"));
  EXPECT_THAT(read_file(out / "errors.csv"), HasSubstr(",0.9,0.9\n"));
  EXPECT_THAT(read_file(out / "report.md"), HasSubstr("## Acceptance"));
}

TEST(ReportFiles, HoldTheSameJsonAsTheText) {
  const TemporaryFolder folder;
  const RunInfo run = floorplan_run();
  const Evaluation evaluation = golden_evaluation(run);
  write_report_files(folder.path(), run, evaluation, {golden_predictions(run), {}});
  EXPECT_EQ(read_file(folder.path() / "report.json"), evaluation_json(run, evaluation));
}

TEST(ReportFiles, HoldEveryBadPictureAndError) {
  const TemporaryFolder folder;
  const RunInfo run = floorplan_run();
  EvaluationAccumulator accumulator(run);
  constexpr int64_t kCount = 5000;
  for (int64_t row = 0; row < kCount; ++row) {
    accumulator.add(undecodable(row));
    accumulator.add(decided(kCount + row, run, "photo", "garden"));
  }
  write_report_files(folder.path(), run, accumulator.result(), {golden_predictions(run), {}});
  const auto lines = [&](const char* name) {
    const std::string text = read_file(folder.path() / name);
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(lines("bad_images.csv"), kCount + 1);
  EXPECT_EQ(lines("errors.csv"), kCount + 1);
  EXPECT_EQ(Json::parse(read_file(folder.path() / "report.json"))["bad_images"].size(),
            static_cast<size_t>(kCount));
}

TEST(ReportFiles, ReplaceOlderOnesAndLeaveNothingElse) {
  const TemporaryFolder folder;
  const RunInfo run = floorplan_run();
  write_file(folder.path() / "report.json", "old");
  write_report_files(folder.path(), run, golden_evaluation(run), {golden_predictions(run), {}});
  write_report_files(folder.path(), run, golden_evaluation(run), {golden_predictions(run), {}});
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    names.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("report.json", "report.md", "report.html",
                                                     "classes.csv", "buckets.csv", "latency.csv",
                                                     "errors.csv", "bad_images.csv"));
}

TEST(ReportFiles, HoldThePredictionsOfTheStore) {
  const TemporaryFolder folder;
  RunInfo run = floorplan_run();
  run.listed = 2;
  auto store = PredictionStore::create(folder.path() / "predictions.sqlite", run);
  store->add(decided(0, run, "photo", "photo"));
  store->add(undecodable(1));
  store->finish(run);
  PredictionReader reader(folder.path() / "predictions.sqlite");
  write_predictions_file(folder.path(), reader);
  const std::string csv = read_file(folder.path() / "predictions.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  EXPECT_EQ(csv.substr(0, csv.find('\n')),
            "path,slice,sha256,label,predicted,stage,score.wireframe,score.satellite,score.photo,"
            "score.garden,score.white,ms");
}

TEST(ReportFiles, RefuseAFolderThatIsAFile) {
  const TemporaryFolder folder;
  write_file(folder.path() / "file", "x");
  const RunInfo run = floorplan_run();
  EXPECT_THROW(write_report_files(folder.path() / "file", run, golden_evaluation(run),
                                  {golden_predictions(run), {}}),
               Error);
}

}  // namespace
}  // namespace fpcls
