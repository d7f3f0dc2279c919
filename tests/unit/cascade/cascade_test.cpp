#include "cascade/cascade.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/random.h"
#include "reference/cascade/sequential.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;
using testing::Test;

void pause(int most_us, uint64_t seed) {
  if (most_us <= 0) return;
  std::this_thread::sleep_for(std::chrono::microseconds(Random(seed).below(most_us)));
}

/// Pictures that exist only here. A picture's pixels begin with its row and its form's width, so
/// that an executor knows which picture it really got.
class FakePictures : public PictureSource {
 public:
  ImageEntry entry(int64_t row) const override {
    const int now = ++in_flight;
    int most = most_in_flight;
    while (now > most && !most_in_flight.compare_exchange_weak(most, now)) {
    }
    return {fs::path(std::to_string(row)), fmt::format("p/{}.png", row), "s", std::nullopt};
  }
  std::variant<std::string, DecodeFailure> read(const ImageEntry& entry) const override {
    pause(delay_us, derive_seed(1, static_cast<uint64_t>(row_of(entry))));
    if (unreadable.count(row_of(entry)) > 0) {
      return DecodeFailure{ReasonCode::unreadable, "no such file"};
    }
    return entry.file.string();
  }
  std::variant<Image, DecodeFailure> decode(std::string_view bytes,
                                            const Preprocessing&) const override {
    ++decoded;
    const int64_t row = std::stoll(std::string(bytes));
    if (row == throws_at) fail("decoder: broken at row {}", row);
    if (undecodable.count(row) > 0) return DecodeFailure{ReasonCode::truncated, "ends early"};
    Image image;
    image.width = static_cast<int>(row);
    image.warnings = row % 5 == 0 ? 1 : 0;
    return image;
  }
  void resize(const Image& image, const Preprocessing& preprocessing,
              uint8_t* pixels) const override {
    ++resized;
    for (int byte = 0; byte < 4; ++byte) {
      pixels[byte] = static_cast<uint8_t>(image.width >> (8 * byte));
    }
    pixels[4] = static_cast<uint8_t>(preprocessing.width);
  }

  static int64_t row_of(const ImageEntry& entry) { return std::stoll(entry.file.string()); }

  int delay_us = 0;
  std::set<int64_t> unreadable, undecodable;
  int64_t throws_at = -1;
  mutable std::atomic<int> in_flight{0}, most_in_flight{0};
  mutable std::atomic<int64_t> decoded{0}, resized{0};
};

/// Gives each row logits of its own, and remembers what it was shown.
class FakeExecutor : public Executor {
 public:
  FakeExecutor(uint64_t seed, int outputs, int width)
      : seed_(seed), outputs_(outputs), width_(width) {}

  std::vector<float> run(const PixelBatch& batch) override {
    pause(delay_us, derive_seed(seed_, static_cast<uint64_t>(batch.rows.at(0))));
    EXPECT_EQ(batch.pixels.size(), batch.picture_bytes() * batch.rows.size());
    EXPECT_EQ(batch.width, width_);
    std::vector<float> result;
    for (size_t i = 0; i < batch.rows.size(); ++i) {
      const uint8_t* pixels = &batch.pixels[i * batch.picture_bytes()];
      const int64_t row = pixels[0] | pixels[1] << 8 | pixels[2] << 16;
      EXPECT_EQ(row, batch.rows[i]);
      EXPECT_EQ(pixels[4], width_);
      if (row == throws_at) fail("executor: broken at row {}", row);
      const std::vector<float> logits = logits_of(row);
      result.insert(result.end(), logits.begin(), logits.end());
    }
    if (too_few) result.pop_back();
    const std::lock_guard lock(mutex_);
    for (const int64_t row : batch.rows) ++seen_[row];
    largest_batch_ = std::max(largest_batch_, batch.count());
    return result;
  }
  Tensor run(const Tensor&, const NodeHook&) override { return {}; }
  std::vector<ExecutorStep> steps() const override { return {}; }
  Tensor run_step(int, const std::vector<Tensor>&) override { return {}; }

  std::vector<float> logits_of(int64_t row) const {
    Random random(derive_seed(seed_, static_cast<uint64_t>(row)));
    std::vector<float> logits;
    for (int i = 0; i < outputs_; ++i) {
      logits.push_back(static_cast<float>(random.uniform(-4, 3)));
    }
    if (row == nan_at) logits.back() = std::numeric_limits<float>::quiet_NaN();
    return logits;
  }
  std::map<int64_t, int> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  int largest_batch() const { return largest_batch_; }

  int delay_us = 0;
  int64_t throws_at = -1, nan_at = -1;
  bool too_few = false;

 private:
  const uint64_t seed_;
  const int outputs_, width_;
  mutable std::mutex mutex_;
  std::map<int64_t, int> seen_;
  int largest_batch_ = 0;
};

struct World {
  Cascade cascade;
  std::vector<std::shared_ptr<FakeExecutor>> executors;
  FakePictures pictures;
  std::vector<Prediction> predictions;

  void add_stage(Head head, int width, std::string negative = "", float accept = 0.5F) {
    const auto number = cascade.stages.size();
    const auto outputs = static_cast<int>(head.labels.size());
    executors.push_back(std::make_shared<FakeExecutor>(100 + number, outputs, width));
    Stage stage;
    stage.info.name = "stage" + std::to_string(number);
    stage.info.binary = head.binary();
    stage.info.scored_labels = head.scored_labels();
    stage.info.negative = std::move(negative);
    stage.info.accept = accept;
    stage.info.model_path = "m.safetensors";
    stage.info.model_sha256 = std::string(64, static_cast<char>('0' + number));
    stage.head = std::move(head);
    stage.preprocessing.width = width;
    stage.preprocessing.height = 8;
    stage.executor = executors.back();
    stage.outputs = outputs;
    stage.computed_by = "fake";
    cascade.stages.push_back(std::move(stage));
  }

  void run(const std::vector<int64_t>& rows, const CascadeOptions& options) {
    predictions.clear();
    run_cascade(cascade, pictures, rows, options, [&](Prediction&& p) {
      --pictures.in_flight;  // without a lock of its own: run_cascade calls it one at a time
      predictions.push_back(std::move(p));
    });
    std::sort(predictions.begin(), predictions.end(),
              [](const Prediction& a, const Prediction& b) { return a.row < b.row; });
  }
};

/// All kinds of heads, two pixel forms.
void make_five_stages(World& world, int delay_us = 0) {
  world.add_stage({{"plan"}, 0}, 8);
  world.add_stage({{"no", "satellite"}, 1}, 16);
  world.add_stage({{"photo", "no"}, 0}, 8, "drawing", 0.7F);
  world.add_stage({{"a", "b", "c"}, -1}, 16, "", 0.6F);
  world.add_stage({{"white"}, 0}, 8, "", 0.8F);
  for (const auto& executor : world.executors) executor->delay_us = delay_us;
}

std::vector<int64_t> rows_up_to(int64_t count) {
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

CascadeOptions with(int workers, int batch_size) {
  CascadeOptions options;
  options.workers = workers;
  options.batch_size = batch_size;
  return options;
}

Prediction expected(const World& world, int64_t row, bool all_stages) {
  return reference::classify_one(world.cascade, all_stages, [&](int stage) {
    return world.executors[static_cast<size_t>(stage)]->logits_of(row);
  });
}

void expect_same(const Prediction& got, const Prediction& want) {
  EXPECT_EQ(got.predicted, want.predicted) << got.path;
  EXPECT_EQ(got.stage, want.stage) << got.path;
  ASSERT_EQ(got.scores.size(), want.scores.size()) << got.path;
  for (size_t i = 0; i < want.scores.size(); ++i) {
    EXPECT_EQ(got.scores[i].stage, want.scores[i].stage);
    ASSERT_EQ(got.scores[i].scores.size(), want.scores[i].scores.size());
    for (size_t j = 0; j < want.scores[i].scores.size(); ++j) {
      EXPECT_NEAR(got.scores[i].scores[j], want.scores[i].scores[j], 1e-7);
    }
  }
}

std::string complaint(World& world, const std::vector<int64_t>& rows,
                      const CascadeOptions& options) {
  try {
    world.run(rows, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class CascadeOf : public testing::TestWithParam<std::tuple<int, int, bool>> {};

TEST_P(CascadeOf, EqualsTheSequentialReferenceForAnyWorkersAndBatchSize) {
  const auto [workers, batch_size, all_stages] = GetParam();
  World world;
  make_five_stages(world, 200);
  world.pictures.delay_us = 50;
  CascadeOptions options = with(workers, batch_size);
  options.all_stages = all_stages;
  const std::vector<int64_t> rows = rows_up_to(301);
  world.run(rows, options);
  ASSERT_EQ(world.predictions.size(), rows.size());
  std::set<int> deciding;
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(world.predictions[i].row, rows[i]);
    expect_same(world.predictions[i], expected(world, rows[i], all_stages));
    deciding.insert(world.predictions[i].stage);
  }
  EXPECT_EQ(deciding.size(), 6u) << "every stage decides some, and some reach the end";
}

INSTANTIATE_TEST_SUITE_P(Cascade, CascadeOf,
                         testing::Combine(testing::Values(1, 2, 5), testing::Values(1, 3, 8, 400),
                                          testing::Bool()));

TEST(Cascade, NeverShowsAPictureToAStageAfterTheOneThatAcceptedIt) {
  World world;
  make_five_stages(world, 300);
  world.pictures.delay_us = 100;
  world.run(rows_up_to(600), with(4, 8));
  for (size_t s = 0; s < world.executors.size(); ++s) {
    std::map<int64_t, int> entitled;
    for (int64_t row = 0; row < 600; ++row) {
      const int decided = expected(world, row, false).stage;
      if (decided < 0 || decided >= static_cast<int>(s)) entitled[row] = 1;
    }
    EXPECT_LT(entitled.size(), s == 0 ? 601u : 600u);
    EXPECT_EQ(world.executors[s]->seen(), entitled) << s;
  }
}

TEST(Cascade, ShowsEveryPictureToEveryStageWhereAllAreWanted) {
  World world;
  make_five_stages(world);
  CascadeOptions options = with(3, 8);
  options.all_stages = true;
  world.run(rows_up_to(100), options);
  for (const auto& executor : world.executors) {
    EXPECT_EQ(executor->seen().size(), 100u);
    for (const auto& [row, times] : executor->seen()) EXPECT_EQ(times, 1) << row;
  }
}

TEST(Cascade, ClassifiesOnlyTheRowsThatAreWanted) {
  World world;
  make_five_stages(world);
  world.run({5, 900, 17}, with(2, 2));
  ASSERT_EQ(world.predictions.size(), 3u);
  EXPECT_EQ(world.predictions[0].row, 5);
  EXPECT_EQ(world.predictions[1].row, 17);
  EXPECT_EQ(world.predictions[2].path, "p/900.png");
}

TEST(Cascade, DoesNothingForNoRows) {
  World world;
  make_five_stages(world);
  world.run({}, with(3, 8));
  EXPECT_TRUE(world.predictions.empty());
}

TEST(Cascade, HasNoMorePicturesInFlightThanItSays) {
  for (const auto& [workers, batch_size] : {std::pair(1, 4), std::pair(4, 4), std::pair(3, 1)}) {
    World world;
    make_five_stages(world, 500);
    world.run(rows_up_to(500), with(workers, batch_size));
    EXPECT_LE(world.pictures.most_in_flight, max_in_flight(5, workers, batch_size));
    EXPECT_GT(world.pictures.most_in_flight, batch_size);
  }
}

TEST(Cascade, RunsFullBatches) {
  World world;
  world.add_stage({{"a"}, 0}, 8);
  world.run(rows_up_to(64), with(1, 8));
  EXPECT_EQ(world.executors[0]->largest_batch(), 8);
}

TEST(Cascade, ResizesOnceForEachFormAndDecodesOnceForAllExactOnes) {
  World world;
  make_five_stages(world);
  world.run(rows_up_to(50), with(2, 8));
  EXPECT_EQ(world.pictures.decoded, 50);
  EXPECT_EQ(world.pictures.resized, 100);
}

TEST(Cascade, DecodesFastFormsOnTheirOwn) {
  World world;
  make_five_stages(world);
  world.cascade.stages[1].preprocessing.decode = Decode::fast;
  world.cascade.stages[3].preprocessing.decode = Decode::fast;
  world.run(rows_up_to(50), with(2, 8));
  EXPECT_EQ(world.pictures.decoded, 100);
  EXPECT_EQ(world.pictures.resized, 100);
}

TEST(Cascade, ReportsPicturesThatCannotBeReadOrDecoded) {
  World world;
  make_five_stages(world);
  world.pictures.unreadable = {3};
  world.pictures.undecodable = {4, 99};
  world.run(rows_up_to(100), with(2, 8));
  ASSERT_EQ(world.predictions.size(), 100u);
  const Prediction& unreadable = world.predictions[3];
  EXPECT_EQ(unreadable.reason_code, "unreadable");
  EXPECT_EQ(unreadable.reason, "no such file");
  EXPECT_EQ(unreadable.sha256, "");
  EXPECT_EQ(unreadable.predicted, "");
  const Prediction& truncated = world.predictions[4];
  EXPECT_EQ(truncated.reason_code, "truncated");
  EXPECT_EQ(truncated.sha256.size(), 64u);
  EXPECT_TRUE(truncated.scores.empty());
  EXPECT_TRUE(world.predictions[5].decoded());
  EXPECT_EQ(world.predictions[5].warnings, 1);
  for (const auto& executor : world.executors) EXPECT_EQ(executor->seen().count(99), 0u);
}

TEST(Cascade, WorksWhereNoPictureCanBeDecoded) {
  World world;
  make_five_stages(world);
  for (int64_t row = 0; row < 40; ++row) world.pictures.undecodable.insert(row);
  world.run(rows_up_to(40), with(3, 8));
  EXPECT_EQ(world.predictions.size(), 40u);
}

TEST(Cascade, NamesStageAndPictureOfAScoreThatIsNoNumber) {
  for (const size_t stage : {0u, 1u, 3u}) {
    World world;
    make_five_stages(world);
    world.executors[stage]->nan_at = 7;
    CascadeOptions options = with(2, 4);
    options.all_stages = true;
    const std::string message = complaint(world, rows_up_to(100), options);
    EXPECT_NE(message.find(fmt::format("stage 'stage{}'", stage)), std::string::npos) << message;
    EXPECT_NE(message.find("'p/7.png'"), std::string::npos) << message;
  }
}

TEST(Cascade, RefusesAHeadThatDoesNotSuitTheOutputsBeforeAnythingRuns) {
  World world;
  make_five_stages(world);
  world.cascade.stages[3].outputs = 4;
  EXPECT_NE(complaint(world, rows_up_to(10), with(2, 4)).find("stage 'stage3'"), std::string::npos);
  EXPECT_EQ(world.pictures.in_flight, 0);
}

TEST(Cascade, RefusesABatchSizeOfZeroAndNoStages) {
  World world;
  EXPECT_NE(complaint(world, rows_up_to(10), with(2, 4)).find("no stages"), std::string::npos);
  make_five_stages(world);
  EXPECT_NE(complaint(world, rows_up_to(10), with(2, 0)).find("batch size"), std::string::npos);
}

TEST(Cascade, RefusesAnExecutorThatGivesTooFewNumbers) {
  World world;
  make_five_stages(world);
  world.executors[0]->too_few = true;
  EXPECT_NE(complaint(world, rows_up_to(10), with(2, 4)).find("expected 1 for each"),
            std::string::npos);
}

TEST(Cascade, EndsAllWorkersWhenAnExecutorFails) {
  for (const int64_t row : {0, 37, 199}) {
    World world;
    make_five_stages(world, 200);
    world.executors[0]->throws_at = row;
    EXPECT_EQ(complaint(world, rows_up_to(200), with(4, 8)),
              fmt::format("executor: broken at row {}", row));
    EXPECT_LT(world.predictions.size(), 200u);
  }
}

TEST(Cascade, EndsAllWorkersWhenTheSourceFails) {
  World world;
  make_five_stages(world, 200);
  world.pictures.throws_at = 50;
  EXPECT_EQ(complaint(world, rows_up_to(5000), with(4, 8)), "decoder: broken at row 50");
  // The others may get on while the worker that met row 50 waits for a processor, but not far.
  EXPECT_LT(world.predictions.size(), 2500u);
}

TEST(Cascade, EndsAllWorkersWhenTheSinkFails) {
  World world;
  make_five_stages(world, 200);
  int taken = 0;
  const auto sink = [&](Prediction&&) {
    if (++taken == 20) fail("disk full");
  };
  EXPECT_THROW(run_cascade(world.cascade, world.pictures, rows_up_to(5000), with(4, 8), sink),
               Error);
  EXPECT_LE(world.pictures.in_flight, 20 + max_in_flight(5, 4, 8));
}

class CascadeCache : public Test {
 protected:
  CascadeCache() : folder_(fs::temp_directory_path() / fmt::format("fpcls-cc-{}", ::getpid())) {
    fs::remove_all(folder_);
    make_five_stages(world_);
    cache_ = std::make_unique<ResultCache>(folder_);
    options_ = with(3, 8);
    options_.cache = cache_.get();
  }
  ~CascadeCache() override {
    cache_.reset();
    fs::remove_all(folder_);
  }

  std::map<CacheUse, int> uses() const {
    std::map<CacheUse, int> counts;
    for (const Prediction& p : world_.predictions) ++counts[p.cache];
    return counts;
  }
  void expect_all_as_computed(bool all_stages) const {
    for (const Prediction& p : world_.predictions) {
      if (p.decoded()) expect_same(p, expected(world_, p.row, all_stages));
    }
  }

  fs::path folder_;
  World world_;
  std::unique_ptr<ResultCache> cache_;
  CascadeOptions options_;
};

TEST_F(CascadeCache, IsBypassedWhenItIsOff) {
  options_.cache = nullptr;
  world_.run(rows_up_to(50), options_);
  EXPECT_EQ(uses(), (std::map<CacheUse, int>{{CacheUse::bypassed, 50}}));
}

TEST_F(CascadeCache, AnswersTheSecondRunWithoutDecodingAnything) {
  world_.pictures.unreadable = {1};
  world_.pictures.undecodable = {2};
  world_.run(rows_up_to(100), options_);
  EXPECT_EQ(uses(), (std::map<CacheUse, int>{{CacheUse::miss, 98}, {CacheUse::bypassed, 2}}));
  const auto seen = world_.executors[0]->seen();
  const int64_t decoded = world_.pictures.decoded;
  world_.run(rows_up_to(100), options_);
  EXPECT_EQ(uses(), (std::map<CacheUse, int>{{CacheUse::hit, 98}, {CacheUse::bypassed, 2}}));
  EXPECT_EQ(world_.executors[0]->seen(), seen);
  EXPECT_EQ(world_.pictures.decoded, decoded + 1);  // the one that fails is tried again
  expect_all_as_computed(false);
  EXPECT_EQ(world_.predictions[0].scores[0].ms, 0);
}

TEST_F(CascadeCache, ComputesOnlyTheStagesThatAreNotKnown) {
  world_.run(rows_up_to(200), options_);
  const auto before = world_.executors[0]->seen();
  options_.all_stages = true;
  world_.run(rows_up_to(200), options_);
  expect_all_as_computed(true);
  EXPECT_EQ(world_.executors[0]->seen(), before);
  for (const auto& executor : world_.executors) {
    for (const auto& [row, times] : executor->seen()) EXPECT_EQ(times, 1) << row;
  }
  std::map<CacheUse, int> want;
  for (int64_t row = 0; row < 200; ++row) {
    const int decided = expected(world_, row, false).stage;
    ++want[decided < 0 || decided == 4 ? CacheUse::hit : CacheUse::miss];
  }
  EXPECT_EQ(uses(), want);
}

TEST_F(CascadeCache, ResizesOnlyForTheStagesThatAreNotKnown) {
  options_.all_stages = true;
  world_.run(rows_up_to(30), options_);
  EXPECT_EQ(world_.pictures.resized, 60);
  world_.cascade.stages[3].computed_by = "other";
  world_.run(rows_up_to(30), options_);
  EXPECT_EQ(world_.pictures.resized, 90);
  expect_all_as_computed(true);
}

TEST_F(CascadeCache, AppliesAnotherThresholdToKnownScores) {
  options_.all_stages = true;
  world_.run(rows_up_to(100), options_);
  options_.all_stages = false;
  world_.cascade.stages[0].info.accept = 0.9F;
  world_.run(rows_up_to(100), options_);
  EXPECT_EQ(uses(), (std::map<CacheUse, int>{{CacheUse::hit, 100}}));
  expect_all_as_computed(false);
}

TEST_F(CascadeCache, FindsNothingOfAnotherModelOrPreprocessing) {
  options_.all_stages = true;
  world_.run(rows_up_to(20), options_);
  Stage& stage = world_.cascade.stages[0];
  const Stage original = stage;
  const auto expect_misses = [&](const char* what) {
    EXPECT_NE(classifier_key(stage), classifier_key(original)) << what;
    world_.run(rows_up_to(20), options_);
    EXPECT_EQ(uses()[CacheUse::miss], 20) << what;
    stage = original;
  };
  stage.info.model_sha256 = std::string(64, 'f');
  expect_misses("model");
  stage.preprocessing.mean[1] = std::nextafter(stage.preprocessing.mean[1], 1.0F);
  expect_misses("mean");
  stage.preprocessing.std[2] = 0.5F;
  expect_misses("std");
  stage.preprocessing.resize = 300;
  expect_misses("resize");
  stage.preprocessing.fit = Fit::stretch;
  expect_misses("fit");
  stage.preprocessing.decode = Decode::fast;
  expect_misses("decode");
  stage.computed_by = "other";
  expect_misses("executor");
}

TEST_F(CascadeCache, ReportsAPictureThatCannotBeDecodedForTheStagesThatAreMissing) {
  world_.run(rows_up_to(100), options_);
  for (int64_t row = 0; row < 100; ++row) world_.pictures.undecodable.insert(row);
  options_.all_stages = true;
  world_.run(rows_up_to(100), options_);
  int undecodable = 0;
  for (const Prediction& p : world_.predictions) {
    EXPECT_EQ(p.decoded(), p.cache == CacheUse::hit);
    if (p.decoded()) continue;
    ++undecodable;
    EXPECT_EQ(p.cache, CacheUse::bypassed);
    EXPECT_TRUE(p.scores.empty());
    EXPECT_EQ(p.stage, -1);
    EXPECT_EQ(p.predicted, "");
  }
  EXPECT_GT(undecodable, 20);
}

}  // namespace
}  // namespace fpcls
