#include "cascade/result_cache.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;
using Scores = std::vector<float>;

std::string sha_of(int i) { return sha256_hex("picture " + std::to_string(i)); }

class ResultCacheTest : public testing::Test {
 protected:
  ResultCacheTest() {
    static std::atomic<int> number{0};
    folder_ = fs::temp_directory_path() /
              fmt::format("fpcls-cache-{}-{}", ::getpid(), number.fetch_add(1));
    fs::remove_all(folder_);
  }
  ~ResultCacheTest() override { fs::remove_all(folder_); }

  ResultCacheOptions at(int64_t* now_s) const {
    ResultCacheOptions options;
    options.now_s = [now_s] { return *now_s; };
    return options;
  }
  fs::path file() const { return folder_ / "results.sqlite"; }

  void store(int from, int to, const ResultCacheOptions& options = {}) {
    ResultCache cache(folder_, options);
    const int64_t id = cache.classifier_id("a");
    for (int i = from; i < to; ++i) cache.insert(id, sha_of(i), {0.5F});
    cache.flush();
  }
  void execute(const char* sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  /// What opening the cache says, or nothing.
  std::string complaint() {
    try {
      ResultCache cache(folder_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  fs::path folder_;
};

TEST_F(ResultCacheTest, GivesBackExactlyWhatWasStoredAfterItIsOpenedAgain) {
  const Scores scores = {0.1F, 1.0F, 0.0F, 0.33333334F};
  {
    ResultCache cache(folder_);
    cache.insert(cache.classifier_id("a"), sha_of(1), scores);
  }
  ResultCache cache(folder_);
  EXPECT_EQ(cache.lookup(cache.classifier_id("a"), sha_of(1)), scores);
}

TEST_F(ResultCacheTest, KnowsNothingOfAnotherPictureOrClassifier) {
  ResultCache cache(folder_);
  const int64_t id = cache.classifier_id("model a mean 0.5");
  const int64_t other = cache.classifier_id("model a mean 0.51");
  EXPECT_NE(id, other);
  EXPECT_EQ(id, cache.classifier_id("model a mean 0.5"));
  cache.insert(id, sha_of(1), {0.5F});
  cache.flush();
  EXPECT_TRUE(cache.lookup(id, sha_of(1)).has_value());
  EXPECT_FALSE(cache.lookup(other, sha_of(1)).has_value());
  EXPECT_FALSE(cache.lookup(id, sha_of(2)).has_value());
}

TEST_F(ResultCacheTest, ComparesTheWholeHash) {
  ResultCache cache(folder_);
  const int64_t id = cache.classifier_id("a");
  std::string sha = sha_of(1);
  cache.insert(id, sha, {0.5F});
  cache.flush();
  sha.back() = sha.back() == '0' ? '1' : '0';
  EXPECT_FALSE(cache.lookup(id, sha).has_value());
}

TEST_F(ResultCacheTest, KeepsTheLastOfTwoResultsForTheSamePicture) {
  ResultCache cache(folder_);
  const int64_t id = cache.classifier_id("a");
  cache.insert(id, sha_of(1), {0.25F});
  cache.insert(id, sha_of(1), {0.75F});
  cache.flush();
  EXPECT_EQ(cache.lookup(id, sha_of(1)), Scores{0.75F});
}

TEST_F(ResultCacheTest, GivesNothingOlderThanTheMaximumAge) {
  int64_t now_s = 1'000'000'000;
  ResultCacheOptions options = at(&now_s);
  options.max_age_s = 100;
  ResultCache cache(folder_, options);
  const int64_t id = cache.classifier_id("a");
  cache.insert(id, sha_of(1), {0.5F});
  cache.flush();
  now_s += 100;
  EXPECT_TRUE(cache.lookup(id, sha_of(1)).has_value());
  now_s += 1;
  EXPECT_FALSE(cache.lookup(id, sha_of(1)).has_value());
}

TEST_F(ResultCacheTest, StaysWithinTheSizeLimitAndForgetsTheOldestFirst) {
  int64_t now_s = 1'000'000'000;
  ResultCacheOptions options = at(&now_s);
  options.max_bytes = 400'000;
  ResultCache cache(folder_, options);
  const int64_t id = cache.classifier_id("a");
  for (int i = 0; i < 5000; i += 100) {
    for (int j = i; j < i + 100; ++j) cache.insert(id, sha_of(j), {0.5F});
    cache.flush();
  }
  EXPECT_TRUE(cache.lookup(id, sha_of(4999)).has_value());
  EXPECT_FALSE(cache.lookup(id, sha_of(500)).has_value());
  EXPECT_LT(fs::file_size(file()), 600'000u);
  ResultDb db(file());
  EXPECT_LE(db.used_bytes(), options.max_bytes);
  EXPECT_GT(db.entry_count(), 1000);
}

TEST_F(ResultCacheTest, MovesWhatIsUsedAgainToTheEndOfTheQueue) {
  int64_t now_s = 1'000'000'000;
  store(0, 2000, at(&now_s));
  now_s += 2 * 86400;
  {
    ResultCache cache(folder_, at(&now_s));
    const int64_t id = cache.classifier_id("a");
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(cache.lookup(id, sha_of(i)).has_value());
    cache.flush();
  }
  ResultDb db(file());
  db.prune(db.used_bytes() / 2, 0);
  const int64_t id = db.classifier_id("a");
  EXPECT_TRUE(db.find(id, sha_of(50), 0).has_value());
  EXPECT_FALSE(db.find(id, sha_of(150), 0).has_value());
  EXPECT_TRUE(db.find(id, sha_of(1990), 0).has_value());
}

TEST_F(ResultCacheTest, CutsAFileThatIsLargerThanANewLimit) {
  store(0, 3000);
  ResultCacheOptions options;
  options.max_bytes = 100'000;
  { ResultCache cache(folder_, options); }
  EXPECT_LE(fs::file_size(file()), 120'000u);
}

TEST_F(ResultCacheTest, ServesManyThreadsAtOnce) {
  ResultCache cache(folder_);
  const int64_t id = cache.classifier_id("a");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        cache.insert(id, sha_of(1000 * t + i), {static_cast<float>(i) / 300});
        cache.lookup(id, sha_of(1000 * ((t + 1) % 4) + i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  cache.flush();
  for (int t = 0; t < 4; ++t) {
    for (int i = 0; i < 300; ++i) {
      EXPECT_EQ(cache.lookup(id, sha_of(1000 * t + i)), Scores{static_cast<float>(i) / 300});
    }
  }
}

TEST_F(ResultCacheTest, ServesManyProcessesThatMakeItTogether) {
  constexpr int kProcesses = 6, kEach = 700;
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int status = 0;
      try {
        ResultCache cache(folder_);
        const int64_t id = cache.classifier_id("a");
        for (int i = 0; i < kEach; ++i) {
          cache.insert(id, sha_of(process * kEach + i), {0.5F});
          cache.lookup(id, sha_of(i));
        }
        cache.flush();
      } catch (const std::exception& error) {
        fmt::print(stderr, "child {}: {}\n", process, error.what());
        status = 1;
      }
      ::_exit(status);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_EQ(ResultDb(file()).entry_count(), kProcesses * kEach);
}

TEST_F(ResultCacheTest, SeesWhatAnotherUserOfTheFolderHasStored) {
  ResultCache mine(folder_), theirs(folder_);
  const int64_t id = mine.classifier_id("a");
  theirs.insert(theirs.classifier_id("a"), sha_of(1), {0.5F});
  theirs.flush();
  EXPECT_TRUE(mine.lookup(id, sha_of(1)).has_value());
}

TEST_F(ResultCacheTest, SurvivesAProcessThatIsKilledWhileWriting) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ResultCache cache(folder_);
    const int64_t id = cache.classifier_id("a");
    for (int i = 0;; ++i) {
      cache.insert(id, sha_of(i), {0.5F});
      if (i == 2000) {
        cache.flush();
        ::kill(::getpid(), SIGKILL);
      }
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  ResultCache cache(folder_);
  EXPECT_TRUE(cache.lookup(cache.classifier_id("a"), sha_of(2000)).has_value());
}

TEST_F(ResultCacheTest, RefusesAFileThatIsNoDatabaseAndSaysWhatToDelete) {
  make_writable_folder(folder_);
  write_file(file(), std::string(5000, 'x'));
  const std::string message = complaint();
  EXPECT_NE(message.find("not a database"), std::string::npos) << message;
  EXPECT_NE(message.find("delete the folder '" + folder_.string() + "'"), std::string::npos);
  EXPECT_EQ(fs::file_size(file()), 5000u);
}

TEST_F(ResultCacheTest, RefusesANewerSchema) {
  store(0, 1);
  execute("PRAGMA user_version = 2");
  const std::string message = complaint();
  EXPECT_NE(message.find("schema version 2, expected 1 (a newer fpcls made it)"), std::string::npos)
      << message;
}

TEST_F(ResultCacheTest, RefusesAnotherProgramsDatabase) {
  make_writable_folder(folder_);
  execute("CREATE TABLE t (x)");
  EXPECT_NE(complaint().find("another program's"), std::string::npos);
  execute("PRAGMA user_version = 1");
  EXPECT_NE(complaint().find("another program's"), std::string::npos);
}

TEST_F(ResultCacheTest, RefusesATruncatedFile) {
  store(0, 2000);
  fs::resize_file(file(), fs::file_size(file()) / 2);
  std::string message = complaint();
  if (message.empty()) {
    ResultCache cache(folder_);
    try {
      const int64_t id = cache.classifier_id("a");
      for (int i = 0; i < 2000; ++i) cache.lookup(id, sha_of(i));
    } catch (const Error& error) {
      message = error.what();
    }
  }
  EXPECT_NE(message.find("delete the folder"), std::string::npos) << message;
}

TEST_F(ResultCacheTest, RefusesScoresOutsideZeroToOne) {
  store(0, 1);
  execute("UPDATE score SET value = x'0000c07f'");  // NaN
  ResultCache cache(folder_);
  const int64_t id = cache.classifier_id("a");
  EXPECT_THROW(cache.lookup(id, sha_of(0)), Error);
}

TEST_F(ResultCacheTest, RefusesAFileInPlaceOfTheFolder) {
  write_file(folder_, "x");
  EXPECT_NE(complaint().find("expected a folder"), std::string::npos);
}

TEST_F(ResultCacheTest, ReportsAWriteThatFailsLater) {
  ResultCache cache(folder_);
  const int64_t id = cache.classifier_id("a");
  execute("DROP TABLE score");
  cache.insert(id, sha_of(0), {0.5F});
  EXPECT_THROW(cache.flush(), Error);
  EXPECT_THROW(cache.insert(id, sha_of(1), {0.5F}), Error);
}

}  // namespace
}  // namespace fpcls
