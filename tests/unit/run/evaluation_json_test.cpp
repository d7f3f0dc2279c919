#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "run/evaluation_report.h"
#include "unit/run/golden_run.h"

namespace fpcls {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> keys_of(const Json& json) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  return keys;
}

TEST(EvaluationJson, HasTheKeysInTheirOrder) {
  const RunInfo run = floorplan_run();
  const Json json = Json::parse(evaluation_json(run, golden_evaluation(run)));
  EXPECT_THAT(keys_of(json), ElementsAre("schema_version", "run", "images", "classes", "overall",
                                         "confusion", "buckets", "scores", "funnel", "latency",
                                         "throughput", "memory", "cache", "slices", "bad_images"));
  EXPECT_THAT(keys_of(json["run"]),
              ElementsAre("version", "command", "config", "models", "cpu", "isa", "device",
                          "threads", "workers", "started", "seed"));
  EXPECT_EQ(json["run"]["config"]["workers"], 2);
  EXPECT_THAT(keys_of(json["run"]["models"][0]),
              ElementsAre("name", "path", "sha256", "precision"));
  EXPECT_THAT(keys_of(json["images"]),
              ElementsAre("listed", "judged", "unlabelled", "undecodable"));
  EXPECT_THAT(keys_of(json["classes"][0]),
              ElementsAre("label", "total", "predicted", "tp", "fp", "fn", "tn", "accuracy",
                          "precision", "recall", "f1", "precision_interval", "recall_interval"));
  EXPECT_THAT(keys_of(json["buckets"][0]),
              ElementsAre("stage", "images", "at_least", "count", "ratio"));
  EXPECT_THAT(keys_of(json["scores"][0]), ElementsAre("stage", "bins", "positive", "negative"));
  EXPECT_THAT(keys_of(json["funnel"][0]),
              ElementsAre("stage", "entered", "accepted", "wrongly_accepted", "wrongly_passed_on"));
  EXPECT_THAT(keys_of(json["latency"][0]), ElementsAre("phase", "images", "mean_ms", "p50_ms",
                                                       "p90_ms", "p95_ms", "p99_ms", "max_ms"));
  EXPECT_THAT(keys_of(json["slices"][0]), ElementsAre("name", "images", "classes", "overall"));
}

TEST(EvaluationJson, SpellsNumbersInTheirFewestDigits) {
  const RunInfo run = floorplan_run();
  const Json json = Json::parse(evaluation_json(run, golden_evaluation(run)));
  EXPECT_EQ(json["buckets"][0]["at_least"].dump(), "[0.5,0.8,0.9,0.95]");
  EXPECT_EQ(json["throughput"].dump(), R"({"images_per_second":733.3,"wall_s":10.0})");
  EXPECT_EQ(json["schema_version"].dump(), "1");
}

TEST(EvaluationJson, RepeatsTheEvaluationExactly) {
  const RunInfo run = floorplan_run();
  const Evaluation evaluation = golden_evaluation(run);
  const Json json = Json::parse(evaluation_json(run, evaluation));
  ASSERT_EQ(json["classes"].size(), evaluation.classes.size());
  for (size_t i = 0; i < evaluation.classes.size(); ++i) {
    const ClassMetrics& c = evaluation.classes[i];
    EXPECT_EQ(json["classes"][i]["label"], c.label);
    EXPECT_TRUE(json["classes"][i]["tn"].is_number_integer());
    EXPECT_EQ(json["classes"][i]["tn"], c.tn);
    EXPECT_EQ(json["classes"][i]["precision"].get<double>(), *c.precision);
    EXPECT_EQ(json["classes"][i]["recall_interval"][1].get<double>(), c.recall_interval->high);
  }
  EXPECT_EQ(json["confusion"]["labels"].get<std::vector<std::string>>(),
            evaluation.confusion.labels);
  EXPECT_EQ(json["confusion"]["counts"].get<std::vector<std::vector<int64_t>>>(),
            evaluation.confusion.counts);
  EXPECT_EQ(json["slices"][1]["overall"]["correct"], evaluation.slices[1].overall.correct);
}

TEST(EvaluationJson, LeavesOutWhatIsNotDefined) {
  RunInfo run = floorplan_run();
  run.wall_s = 0;
  run.peak_rss_bytes = 0;
  run.config_json = "not JSON";
  const std::string text = evaluation_json(run, EvaluationAccumulator(run).result());
  const Json json = Json::parse(text);
  EXPECT_FALSE(json["classes"][0].contains("precision"));
  EXPECT_FALSE(json["classes"][0].contains("recall_interval"));
  EXPECT_FALSE(json["overall"].contains("accuracy"));
  EXPECT_FALSE(json["buckets"][0].contains("ratio"));
  EXPECT_FALSE(json.contains("throughput"));
  EXPECT_FALSE(json.contains("memory"));
  EXPECT_EQ(json["run"]["config"], Json::object());
  EXPECT_EQ(json["bad_images"], Json::array());
  EXPECT_THAT(text, Not(HasSubstr("null")));
}

TEST(EvaluationJson, ListsBadPicturesWithAnyName) {
  const RunInfo run = floorplan_run();
  EvaluationAccumulator accumulator(run);
  accumulator.add(undecodable(3));
  const Json json = Json::parse(evaluation_json(run, accumulator.result()));
  EXPECT_EQ(json["bad_images"].dump(),
            R"([{"path":"bad/线框, \"3\".jpg","reason_code":"truncated",)"
            R"("reason":"ends after 12 of 40 rows"}])");
}

}  // namespace
}  // namespace fpcls
