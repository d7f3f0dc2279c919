#include "predictions/merge.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "reference/metrics/made_predictions.h"
#include "unit/predictions/same_prediction.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Merge : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              (std::string("merge_test_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    run_.wall_s = 2;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const RunInfo& run,
                 const std::vector<Prediction>& predictions) {
    fs::create_directories(folder_ / name);
    fs::path path = folder_ / name / "predictions.sqlite";
    auto store = PredictionStore::create(path, run);
    for (const Prediction& p : predictions) store->add(p);
    store->finish(run);
    return path;
  }

  /// The shards of `predictions`, chosen at random.
  std::vector<fs::path> write_shards(const std::vector<Prediction>& predictions, int count) {
    Random random(5);
    std::vector<std::vector<Prediction>> parts(static_cast<size_t>(count));
    for (const Prediction& p : predictions) {
      parts[static_cast<size_t>(random.below(count))].push_back(p);
    }
    std::vector<fs::path> paths;
    for (int i = 0; i < count; ++i) {
      RunInfo shard = run_;
      shard.shard = i + 1;
      shard.shard_count = count;
      paths.push_back(write("shard" + std::to_string(i + 1), shard, parts[static_cast<size_t>(i)]));
    }
    return paths;
  }

  static std::string error_of(const std::vector<fs::path>& paths) {
    try {
      MergedPredictions(paths).for_each([](const Prediction&) {});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  fs::path folder_;
  RunInfo run_ = made::run();
};

TEST_F(Merge, OfSixteenShardsIsTheSingleRun) {
  const auto predictions = made::predictions(run_, 1000, 9);
  std::vector<fs::path> paths = write_shards(predictions, 16);
  Random(2).shuffle(paths);
  MergedPredictions merged(paths);
  EXPECT_TRUE(merged.gaps().empty());
  EXPECT_EQ(merged.run().listed, 1000);
  EXPECT_EQ(merged.run().shard_count, 1);
  EXPECT_EQ(merged.run().slices, run_.slices);
  for (int round = 0; round < 2; ++round) {
    size_t next = 0;
    merged.for_each([&](const Prediction& p) { expect_same(p, predictions.at(next++)); });
    EXPECT_EQ(next, predictions.size());
  }
}

TEST_F(Merge, SaysWhichShardsAreMissing) {
  std::vector<fs::path> paths = write_shards(made::predictions(run_, 100, 9), 4);
  paths.erase(paths.begin() + 1);
  paths.erase(paths.begin() + 2);
  EXPECT_THAT(MergedPredictions(paths).gaps(),
              ElementsAre(HasSubstr("one of 4 shards, of which are missing: 2, 4")));
}

TEST_F(Merge, SaysWhichRunHasNotEnded) {
  run_.wall_s = 0;
  const auto path = write("killed", run_, made::predictions(run_, 10, 1));
  EXPECT_THAT(MergedPredictions({path}).gaps(), ElementsAre(HasSubstr("hasn't ended")));
}

TEST_F(Merge, RefusesOverlapsByPath) {
  std::vector<fs::path> paths = write_shards(made::predictions(run_, 100, 9), 4);
  fs::create_directories(folder_ / "copy");
  fs::copy(paths[2], folder_ / "copy" / "p.sqlite");
  paths.push_back(folder_ / "copy" / "p.sqlite");
  EXPECT_THAT(error_of(paths), HasSubstr("both hold shard 3/4"));
  EXPECT_THAT(error_of(paths), HasSubstr("copy/p.sqlite"));
  EXPECT_THAT(error_of(paths), HasSubstr("shard3/"));
  const auto whole = write("whole", run_, made::predictions(run_, 100, 9));
  EXPECT_THAT(error_of({whole, whole}), HasSubstr("both hold all"));
  EXPECT_THAT(error_of({paths[0], whole}), HasSubstr("they overlap"));
}

TEST_F(Merge, RefusesShardsThatShareARow) {
  const auto predictions = made::predictions(run_, 10, 9);
  RunInfo one = run_, two = run_;
  one.shard_count = two.shard_count = 2;
  two.shard = 2;
  const std::vector<Prediction> low(predictions.begin(), predictions.begin() + 4);
  const std::vector<Prediction> high(predictions.begin() + 3, predictions.end() - 1);
  EXPECT_THAT(error_of({write("a", one, low), write("b", two, high)}),
              HasSubstr("row 3 is in both"));
}

TEST_F(Merge, RefusesOtherModels) {
  const auto predictions = made::predictions(run_, 10, 9);
  const auto a = write("a", run_, predictions);
  RunInfo other = run_;
  other.list_sha256[0] = 'e';
  other.stages[0].model_sha256[0] = 'e';
  EXPECT_THAT(error_of({a, write("b", other, predictions)}), HasSubstr("another model"));
}

TEST_F(Merge, PutsIndependentRunsBehindEachOtherAsSlices) {
  run_.slices = {"inbox", "june"};
  RunInfo other = run_;
  other.slices = {"inbox", "july", "x"};
  other.list_sha256[0] = 'e';
  run_.slices.push_back("x2");
  const auto first = made::predictions(run_, 50, 1);
  const auto second = made::predictions(other, 30, 2);
  MergedPredictions merged({write("a", run_, first), write("b", other, second)});
  EXPECT_THAT(merged.run().slices, ElementsAre("a/inbox", "june", "x2", "b/inbox", "july", "x"));
  EXPECT_EQ(merged.run().listed, 80);
  EXPECT_EQ(merged.run().wall_s, 4);
  int64_t next = 0;
  merged.for_each([&](const Prediction& p) {
    EXPECT_EQ(p.row, next);
    const Prediction& from =
        next < 50 ? first[static_cast<size_t>(next)] : second[static_cast<size_t>(next - 50)];
    EXPECT_EQ(p.path, from.path);
    EXPECT_EQ(p.slice, from.slice == "inbox" ? (next < 50 ? "a/inbox" : "b/inbox") : from.slice);
    ++next;
  });
  EXPECT_EQ(next, 80);
}

}  // namespace
}  // namespace fpcls
