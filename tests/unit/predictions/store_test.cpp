#include "predictions/store.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "error_of.h"
#include "reference/metrics/made_predictions.h"
#include "unit/predictions/same_prediction.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Store : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("store_test_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    path_ = folder_ / "predictions.sqlite";
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const RunInfo& run, const std::vector<Prediction>& predictions) {
    auto store = PredictionStore::create(path_, run);
    for (const Prediction& p : predictions) store->add(p);
    store->finish(run);
  }

  std::vector<Prediction> read() {
    std::vector<Prediction> all;
    PredictionReader reader(path_);
    reader.for_each([&](const Prediction& p) { all.push_back(p); });
    return all;
  }

  void execute(const char* sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }

  fs::path folder_, path_;
};

TEST_F(Store, GivesBackWhatWasAddedInTheOrderOfRows) {
  for (const bool multi : {false, true}) {
    for (const bool all_stages : {false, true}) {
      RunInfo run = made::run(multi, all_stages);
      std::vector<Prediction> predictions = made::predictions(run, 500, 3);
      std::vector<Prediction> shuffled = predictions;
      Random(1).shuffle(shuffled);
      fs::remove(path_);
      write(run, shuffled);
      const std::vector<Prediction> stored = read();
      ASSERT_EQ(stored.size(), predictions.size());
      for (size_t i = 0; i < stored.size(); ++i) expect_same(stored[i], predictions[i]);
    }
  }
}

TEST_F(Store, GivesBackTheRun) {
  RunInfo run = made::run(true);
  run.listed = 12;
  run.seed = ~uint64_t{0};
  run.shard = 2;
  run.shard_count = 5;
  run.wall_s = 1.25;
  run.peak_rss_bytes = int64_t{1} << 40;
  run.command = {"fpcls", "evaluate", "a b", "中"};
  write(run, {});
  const RunInfo stored = PredictionReader(path_).run();
  EXPECT_EQ(stored.seed, run.seed);
  EXPECT_EQ(stored.shard_count, 5);
  EXPECT_EQ(stored.wall_s, 1.25);
  EXPECT_EQ(stored.peak_rss_bytes, run.peak_rss_bytes);
  EXPECT_EQ(stored.command, run.command);
  EXPECT_EQ(stored.slices, run.slices);
  ASSERT_EQ(stored.stages.size(), 3u);
  EXPECT_EQ(stored.stages[2].scored_labels, run.stages[2].scored_labels);
  EXPECT_EQ(stored.stages[2].accept, 0.4F);
  EXPECT_FALSE(stored.stages[2].binary);
}

TEST_F(Store, IsOneFileInTheEnd) {
  RunInfo run = made::run();
  write(run, made::predictions(run, 50, 1));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(Store, ShowsRowsWhileTheRunGoesOn) {
  RunInfo run = made::run();
  const auto predictions = made::predictions(run, 20, 1);
  auto store = PredictionStore::create(path_, run);
  store->add(predictions[0]);
  store->flush();
  EXPECT_EQ(PredictionReader(path_).size(), 1);
  store->add(predictions[1]);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  EXPECT_EQ(PredictionReader(path_).size(), 2) << "rows appear without a flush too";
}

TEST_F(Store, TakesPredictionsFromManyThreads) {
  RunInfo run = made::run();
  const auto predictions = made::predictions(run, 8000, 2);
  auto store = PredictionStore::create(path_, run);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = t; i < predictions.size(); i += 4) store->add(predictions[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  store->finish(run);
  EXPECT_EQ(read().size(), predictions.size());
}

TEST_F(Store, SurvivesAKillAndGoesOn) {
  RunInfo run = made::run();
  const auto predictions = made::predictions(run, 100, 4);
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = PredictionStore::create(path_, run);
    for (size_t i = 0; i < 40; ++i) store->add(predictions[i]);
    store->flush();
    for (size_t i = 40; i < 60; ++i) store->add(predictions[i]);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_GE(read().size(), 40u) << "readable before anybody goes on with it";
  {
    auto store = PredictionStore::resume(path_, run);
    const std::vector<bool>& done = store->completed_rows();
    ASSERT_EQ(done.size(), 100u);
    for (size_t i = 0; i < 40; ++i) EXPECT_TRUE(done[i]);
    for (size_t i = 60; i < 100; ++i) EXPECT_FALSE(done[i]);
    for (size_t i = 0; i < 100; ++i) {
      if (!done[i]) store->add(predictions[i]);
    }
    store->finish(run);
  }
  const auto stored = read();
  ASSERT_EQ(stored.size(), 100u);
  for (size_t i = 0; i < 100; ++i) expect_same(stored[i], predictions[i]);
}

TEST_F(Store, ResumesWhatIsNotThereYet) {
  RunInfo run = made::run();
  run.listed = 3;
  auto store = PredictionStore::resume(path_, run);
  EXPECT_EQ(store->completed_rows(), std::vector<bool>(3));
}

TEST_F(Store, RefusesToGoOnWithAnotherRunAndSaysWhatDiffers) {
  RunInfo run = made::run();
  run.listed = 10;
  write(run, {});
  const auto problem = [&](auto change) {
    RunInfo other = run;
    change(other);
    return error_of([&] { PredictionStore::resume(path_, other); });
  };
  EXPECT_EQ(problem([](RunInfo&) {}), "no error");
  EXPECT_THAT(problem([](RunInfo& r) { r.listed = 11; }), HasSubstr("10 pictures, now 11"));
  EXPECT_THAT(problem([](RunInfo& r) { r.list_sha256[0] = 'x'; }), HasSubstr("another list"));
  EXPECT_THAT(problem([](RunInfo& r) { r.shard_count = 2; }), HasSubstr("shard 1/1, now 1/2"));
  EXPECT_THAT(problem([](RunInfo& r) { r.stages[1].accept = 0.6F; }),
              HasSubstr("'photo' had accept 0.5, now 0.6"));
  EXPECT_THAT(problem([](RunInfo& r) { r.stages[0].model_sha256[0] = 'f'; }),
              HasSubstr("'wireframe' had another model"));
  EXPECT_THAT(problem([](RunInfo& r) { r.stages.pop_back(); }), HasSubstr("4 stages, now 3"));
  EXPECT_THAT(problem([](RunInfo& r) { r.otherwise = "rest"; }), HasSubstr("otherwise was"));
  EXPECT_THAT(problem([](RunInfo& r) { r.all_stages = false; }), HasSubstr("--all-stages"));
}

TEST_F(Store, EndsWellWhileSomebodyReads) {
  RunInfo run = made::run();
  const auto predictions = made::predictions(run, 50, 1);
  auto store = PredictionStore::create(path_, run);
  for (const Prediction& p : predictions) store->add(p);
  store->flush();
  PredictionReader reader(path_);
  Prediction first;
  ASSERT_TRUE(reader.next(first));
  run.wall_s = 3;
  store->finish(run);
  store.reset();
  int rest = 0;
  for (Prediction p; reader.next(p);) ++rest;
  EXPECT_EQ(rest, 49) << "the reader keeps what it began with";
  EXPECT_EQ(PredictionReader(path_).run().wall_s, 3);
}

TEST_F(Store, RefusesASecondWriter) {
  RunInfo run = made::run();
  auto store = PredictionStore::create(path_, run);
  EXPECT_THAT(error_of([&] { PredictionStore::resume(path_, run); }), HasSubstr("another fpcls"));
  EXPECT_THAT(error_of([&] { PredictionStore::create(path_, run, IfExists::replace); }),
              HasSubstr("another fpcls"));
}

TEST_F(Store, ReplacesOnlyAStoreAndOnlyWhenTold) {
  RunInfo run = made::run();
  write(run, made::predictions(run, 30, 1));
  EXPECT_THAT(error_of([&] { PredictionStore::create(path_, run); }),
              HasSubstr("is there already"));
  EXPECT_EQ(read().size(), 30u);
  PredictionStore::create(path_, run, IfExists::replace)->finish(run);
  EXPECT_EQ(read().size(), 0u);
  write_file(path_, "a letter to somebody");
  EXPECT_NE(error_of([&] { PredictionStore::create(path_, run, IfExists::replace); }), "no error");
  EXPECT_EQ(read_file(path_), "a letter to somebody");
}

TEST_F(Store, RefusesFilesThatAreNotStores) {
  const auto problem = [&] { return error_of([&] { PredictionReader reader(path_); }); };
  EXPECT_THAT(problem(), HasSubstr("isn't there"));
  write_file(path_, "path,label\n");
  EXPECT_THAT(problem(), HasSubstr("isn't a store"));
  EXPECT_FALSE(looks_like_store(path_));
  fs::remove(path_);
  execute("CREATE TABLE a (b)");
  EXPECT_TRUE(looks_like_store(path_));
  EXPECT_THAT(problem(), HasSubstr("another kind"));
  const RunInfo run = made::run();
  EXPECT_THAT(error_of([&] { PredictionStore::resume(path_, run); }), HasSubstr("another kind"));
}

TEST_F(Store, RefusesANewerSchema) {
  write(made::run(), {});
  execute("PRAGMA user_version = 2");
  EXPECT_THAT(error_of([&] { PredictionReader reader(path_); }), HasSubstr("newer fpcls"));
}

TEST_F(Store, NeverCrashesOnADamagedFile) {
  RunInfo run = made::run();
  write(run, made::predictions(run, 300, 6));
  const std::string good = read_file(path_);
  Random random(8);
  int refused = 0;
  for (int round = 0; round < 60; ++round) {
    std::string bad = good;
    if (round % 3 == 0)
      bad.resize(static_cast<size_t>(random.below(static_cast<int64_t>(bad.size()))));
    for (int i = 0; i < 30 && !bad.empty(); ++i) {
      bad[static_cast<size_t>(random.below(static_cast<int64_t>(bad.size())))] =
          static_cast<char>(random.below(256));
    }
    write_file(path_, bad);
    refused += error_of([&] { read(); }) == "no error" ? 0 : 1;
  }
  EXPECT_GT(refused, 10);
}

TEST_F(Store, RefusesRowsThatContradictTheRun) {
  RunInfo run = made::run();
  write(run, made::predictions(run, 30, 6));
  execute("INSERT INTO score VALUES (29999, 'photo', '', 0.5, 1)");
  EXPECT_THAT(error_of([&] { read(); }), HasSubstr("row 29999"));
  execute("DELETE FROM score WHERE image = 29999; UPDATE score SET value = 7 WHERE image > 20");
  EXPECT_THAT(error_of([&] { read(); }), HasSubstr("0..1"));
}

TEST_F(Store, RefusesScoresThatAreNoProbabilities) {
  RunInfo run = made::run();
  auto predictions = made::predictions(run, 30, 6);
  for (Prediction& p : predictions) {
    for (StageScores& s : p.scores) s.scores[0] = std::numeric_limits<float>::quiet_NaN();
  }
  EXPECT_THAT(error_of([&] { write(run, predictions); }), HasSubstr("expected 0 to 1"));
}

TEST_F(Store, RefusesNamesThatAreNotUtf8) {
  RunInfo run = made::run();
  run.stages[0].scored_labels = {"\xff\xfe"};
  EXPECT_THAT(error_of([&] { PredictionStore::create(path_, run); }), HasSubstr("UTF-8"));
}

TEST_F(Store, SaysWhenItCannotBeWritten) {
  const RunInfo run = made::run();
  EXPECT_THAT(error_of([&] { PredictionStore::create(folder_ / "no" / "p.sqlite", run); }),
              HasSubstr("No such file"));
}

TEST_F(Store, TellsOfAFullDisk) {
  RunInfo run = made::run();
  const auto predictions = made::predictions(run, 6000, 6);
  auto store = PredictionStore::create(path_, run);
  // A file-size limit stands in for a full disk: writing fails in the same place.
  struct Limit {
    Limit() {
      ::signal(SIGXFSZ, SIG_IGN);
      ::getrlimit(RLIMIT_FSIZE, &before);
      rlimit small = before;
      small.rlim_cur = 200000;
      ::setrlimit(RLIMIT_FSIZE, &small);
    }
    ~Limit() { ::setrlimit(RLIMIT_FSIZE, &before); }
    rlimit before{};
  };
  std::string problem;
  {
    const Limit limit;
    problem = error_of([&] {
      for (const Prediction& p : predictions) store->add(p);
      store->finish(run);
    });
    store.reset();
  }
  EXPECT_THAT(problem, HasSubstr("predictions.sqlite"));
  EXPECT_THAT(problem, HasSubstr("disk"));
  EXPECT_NO_THROW(read()) << "what was written before is usable";
}

}  // namespace
}  // namespace fpcls
