#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "predictions/schema.h"
#include "predictions/sqlite.h"
#include "predictions/store.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;
using sqlite::Database;
using sqlite::Statement;

constexpr size_t kQueueLimit = 1024;
constexpr size_t kBatchRows = 256;
constexpr std::chrono::milliseconds kBatchAge{500};

/// Keeps a second writer away for as long as it lives. It is opened before SQLite opens the file
/// and closed after it: closing any descriptor of a file drops SQLite's own locks on it.
class WriterLock {
 public:
  explicit WriterLock(const fs::path& path) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail("{}: cannot write: {}", quoted(path), std::strerror(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
    const int reason = errno;
    ::close(descriptor_);
    if (reason == EWOULDBLOCK) {
      fail("{}: another fpcls is writing it; wait for it to end or choose another --out",
           quoted(path));
    }
    fail("{}: its file system can't lock files ({}); choose an --out on a local disk", quoted(path),
         std::strerror(reason));
  }
  ~WriterLock() { ::close(descriptor_); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

  /// Empties the file; SQLite hasn't opened it yet.
  void truncate(const fs::path& path) const {
    if (::ftruncate(descriptor_, 0) != 0) {
      fail("{}: cannot write: {}", quoted(path), std::strerror(errno));
    }
    for (const char* suffix : {"-wal", "-shm", "-journal"}) {
      fs::path beside = path;
      beside += suffix;
      ::unlink(beside.c_str());
    }
  }

 private:
  int descriptor_;
};

void check_score(const Database& database, const Prediction& prediction, float score) {
  if (!(score >= 0 && score <= 1)) {  // NaN too
    fail("{}: a score of {} is {}, expected 0 to 1; is the model damaged?", quoted(database.path()),
         quoted(prediction.path), score);
  }
}

/// The statements that put one prediction into the tables.
class Inserter {
 public:
  Inserter(Database& database, const std::vector<StageInfo>& stages)
      : database_(database),
        stages_(stages),
        image_(database,
               "INSERT OR REPLACE INTO image VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        score_(database, "INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?, ?)") {}

  void insert(const Prediction& p) {
    const std::string_view stage = p.stage >= 0 ? name_of(p.stage) : std::string_view();
    image_.bind(0, p.row).bind(1, p.path).bind(2, p.slice);
    text_or_null(3, p.sha256);
    p.label ? image_.bind(4, *p.label) : image_.bind_null(4);
    text_or_null(5, p.predicted);
    text_or_null(6, stage);
    text_or_null(7, p.reason_code);
    text_or_null(8, p.reason);
    image_.bind(9, p.decode_ms).bind(10, p.resize_ms).bind(11, p.other_ms);
    image_.bind(12, int64_t{p.warnings});
    text_or_null(13, p.cache == CacheUse::hit ? "hit" : p.cache == CacheUse::miss ? "miss" : "");
    image_.run();
    for (const StageScores& scores : p.scores) insert_scores(p, scores);
  }

 private:
  std::string_view name_of(int stage) const { return stages_.at(static_cast<size_t>(stage)).name; }

  void text_or_null(int parameter, std::string_view text) {
    text.empty() ? image_.bind_null(parameter) : image_.bind(parameter, text);
  }

  void insert_scores(const Prediction& p, const StageScores& scores) {
    const StageInfo& stage = stages_.at(static_cast<size_t>(scores.stage));
    for (size_t i = 0; i < scores.scores.size(); ++i) {
      check_score(database_, p, scores.scores[i]);
      score_.bind(0, p.row).bind(1, stage.name);
      score_.bind(2, stage.binary ? std::string_view() : stage.scored_labels.at(i));
      score_.bind(3, static_cast<double>(scores.scores[i])).bind(4, scores.ms).run();
    }
  }

  Database& database_;
  const std::vector<StageInfo>& stages_;
  Statement image_, score_;
};

std::vector<bool> rows_in(Database& database, int64_t listed) {
  std::vector<bool> rows(static_cast<size_t>(std::max<int64_t>(listed, 0)));
  Statement query(database, "SELECT row FROM image");
  while (query.step()) {
    const int64_t row = query.integer(0);
    if (row < 0 || row >= listed) {
      fail("{}: has row {}, expected 0 to {}; the file is damaged", quoted(database.path()), row,
           listed - 1);
    }
    rows[static_cast<size_t>(row)] = true;
  }
  return rows;
}

void enter_wal_mode(Database& database) {
  if (database.text("PRAGMA journal_mode = WAL") != "wal") {
    fail(
        "{}: its file system can't share memory between processes (is it on the network?); choose "
        "an --out on a local disk",
        quoted(database.path()));
  }
  database.execute("PRAGMA synchronous = NORMAL");
}

}  // namespace

struct PredictionStore::Impl {
  Impl(const fs::path& path, const RunInfo& info, std::unique_ptr<WriterLock> held)
      : run(info), lock(std::move(held)), database(path, Database::Mode::write) {
    const bool fresh = database.integer("SELECT count(*) FROM sqlite_schema") == 0;
    if (!fresh) {
      check_schema(database);
      const std::string differs = difference(read_run(database), run);
      if (!differs.empty()) {
        fail("{}: cannot go on with this run: {}; choose another --out, or leave out --resume",
             quoted(path), differs);
      }
    }
    enter_wal_mode(database);
    if (fresh) create_schema(database, run);
    completed = rows_in(database, run.listed);
    inserter.emplace(database, run.stages);
    writer = std::thread([this] { write_batches(); });
  }

  ~Impl() {
    {
      const std::lock_guard guard(mutex);
      stopping = true;
    }
    wake_writer.notify_all();
    if (writer.joinable()) writer.join();
  }

  void write_batches() {
    std::vector<Prediction> batch;
    std::unique_lock guard(mutex);
    for (;;) {
      wake_writer.wait(guard, [&] { return !queue.empty() || stopping; });
      if (queue.empty()) return;
      wake_writer.wait_for(guard, kBatchAge,
                           [&] { return queue.size() >= kBatchRows || stopping || flushing > 0; });
      batch.swap(queue);
      room.notify_all();
      guard.unlock();
      std::string problem = write_batch(batch);
      const size_t count = batch.size();
      batch.clear();
      guard.lock();
      written += static_cast<int64_t>(count);
      if (!problem.empty() && failure.empty()) failure = std::move(problem);
      if (!failure.empty()) queue.clear();
      room.notify_all();
      settled.notify_all();
      if (!failure.empty()) return;
    }
  }

  /// What went wrong, or nothing. Exceptions must not leave the writer's thread.
  std::string write_batch(const std::vector<Prediction>& batch) {
    try {
      const std::lock_guard guard(database_mutex);
      database.execute("BEGIN IMMEDIATE");
      for (const Prediction& prediction : batch) inserter->insert(prediction);
      database.execute("COMMIT");
      return "";
    } catch (const std::exception& error) {
      sqlite3_exec(database.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
      return error.what();
    }
  }

  void fail_if_failed() const {
    if (!failure.empty()) throw Error(failure);
  }

  void wait_until_written() {
    std::unique_lock guard(mutex);
    ++flushing;
    wake_writer.notify_all();
    const int64_t target = added;
    settled.wait(guard, [&] { return written >= target || !failure.empty(); });
    --flushing;
    fail_if_failed();
  }

  RunInfo run;
  std::unique_ptr<WriterLock> lock;
  Database database;
  std::optional<Inserter> inserter;
  std::vector<bool> completed;
  std::mutex database_mutex;  // the connection is used by the writer, and at the end by `finish`

  std::mutex mutex;  // guards what follows
  std::condition_variable wake_writer, room, settled;
  std::vector<Prediction> queue;
  int64_t added = 0, written = 0;
  int flushing = 0;
  bool stopping = false;
  std::string failure;
  std::thread writer;
};

PredictionStore::PredictionStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PredictionStore::~PredictionStore() = default;

std::unique_ptr<PredictionStore> PredictionStore::create(const fs::path& path, const RunInfo& run,
                                                         IfExists if_exists) {
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0 && status.st_size > 0;
  if (exists && if_exists == IfExists::refuse) {
    fail("{}: is there already; go on with it by --resume, or choose another --out", quoted(path));
  }
  if (exists) {
    Database old(path, Database::Mode::read);
    check_schema(old);
  }
  auto lock = std::make_unique<WriterLock>(path);
  lock->truncate(path);
  return std::unique_ptr<PredictionStore>(
      new PredictionStore(std::make_unique<Impl>(path, run, std::move(lock))));
}

std::unique_ptr<PredictionStore> PredictionStore::resume(const fs::path& path, const RunInfo& run) {
  auto lock = std::make_unique<WriterLock>(path);
  return std::unique_ptr<PredictionStore>(
      new PredictionStore(std::make_unique<Impl>(path, run, std::move(lock))));
}

const std::vector<bool>& PredictionStore::completed_rows() const { return impl_->completed; }

void PredictionStore::add(Prediction prediction) {
  std::unique_lock guard(impl_->mutex);
  impl_->room.wait(guard,
                   [&] { return impl_->queue.size() < kQueueLimit || !impl_->failure.empty(); });
  impl_->fail_if_failed();
  impl_->queue.push_back(std::move(prediction));
  ++impl_->added;
  const size_t waiting = impl_->queue.size();
  guard.unlock();
  if (waiting == 1 || waiting == kBatchRows) impl_->wake_writer.notify_one();
}

void PredictionStore::flush() { impl_->wait_until_written(); }

void PredictionStore::finish(const RunInfo& run) {
  flush();
  const std::lock_guard guard(impl_->database_mutex);
  Database& database = impl_->database;
  database.execute("BEGIN IMMEDIATE");
  write_run(database, run);
  database.execute("COMMIT");
  impl_->inserter.reset();
  // Both fail while somebody reads; the store is whole all the same, with its -wal file.
  sqlite3_busy_timeout(database.handle(), 200);
  database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  sqlite3_exec(database.handle(), "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
}

}  // namespace fpcls
