#include "run/bench_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace fpcls {
namespace {

BenchRecord full_record() {
  BenchRecord r;
  r.model = "a/\xE7\xBA\xBF.safetensors";
  r.precision = "f32";
  r.computed_by = "engine cpu f32";
  r.input = "noise";
  r.batch = 8;
  r.latency = {1.5, 1.25, 2, 2.5, 3, 4, 100};
  r.throughput = {800, 0.03, 3, true};
  r.phases.run_ms = 1.125;
  r.memory.packed_weights_bytes = int64_t{5} << 32;
  r.layers.push_back({"conv1", "conv+relu", 0.5, 0.25, 12.5, "jit", {}});
  r.layers.push_back({"pool", "max_pool", 0.5, 0.25, {}, "", {}});
  r.repeats = {790, 800, 810};
  r.against = BenchAgainst{"base", 1.5, 1.4, 1.6, 0.001, true};
  r.noise.push_back({"batch 1 against 8", 64, 1e-7, 0});
  return r;
}

TEST(BenchRecord, IsReadBackAsItWasWritten) {
  const std::string json = bench_json({full_record(), BenchRecord()});
  EXPECT_EQ(bench_json(parse_bench_json(json, "test")), json);
}

TEST(BenchRecord, HasThePromisedKeysAndLeavesOutWhatIsAbsent) {
  const auto json = nlohmann::json::parse(bench_json({full_record()}));
  ASSERT_TRUE(json.is_array());
  const auto& record = json[0];
  for (const char* key : {"model", "precision", "batch", "threads", "workers", "latency",
                          "throughput", "phases", "memory", "layers"}) {
    EXPECT_TRUE(record.contains(key)) << key;
  }
  for (const char* key : {"weights_bytes", "packed_weights_bytes", "arena_bytes",
                          "scratchpad_bytes", "file_buffer_bytes", "process_bytes",
                          "unexplained_bytes"}) {
    EXPECT_TRUE(record["memory"].contains(key)) << key;
  }
  EXPECT_EQ(record["latency"]["p99_ms"], 3);
  EXPECT_EQ(record["throughput"]["images_per_second"], 800);
  EXPECT_EQ(record["layers"][0]["gmacs"], 12.5);
  EXPECT_FALSE(record["layers"][1].contains("gmacs"));
  EXPECT_TRUE(record["phases"].contains("run_ms"));
  EXPECT_FALSE(record["phases"].contains("input_ms"));
}

TEST(BenchRecord, RefusesWhatItDidNotWrite) {
  EXPECT_THROW(parse_bench_json("", "test"), Error);
  EXPECT_THROW(parse_bench_json("{}", "test"), Error);
  EXPECT_THROW(parse_bench_json("[{}]", "test"), Error);
  EXPECT_THROW(parse_bench_json(R"([{"model": 3}])", "test"), Error);
}

}  // namespace
}  // namespace fpcls
