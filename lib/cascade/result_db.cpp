#include "cascade/result_db.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/stopwatch.h"
#include "base/text.h"

namespace fpcls {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kApplicationId = 0x66706363;  // "fpcc": tells this file from anybody else's SQLite
constexpr int kBusyTimeout_ms = 30'000;

// Rows are inserted, and moved when they are used again, to the end of the table: the smallest ids
// are the longest unused, and removing them empties whole pages.
constexpr const char* kClassifierTable =
    "CREATE TABLE classifier (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE)";
constexpr const char* kScoreTable = R"sql(CREATE TABLE score (
    id INTEGER PRIMARY KEY,
    classifier INTEGER NOT NULL,
    image BLOB NOT NULL,
    value BLOB NOT NULL,
    made_s INTEGER NOT NULL,
    used_s INTEGER NOT NULL,
    UNIQUE (image, classifier)))sql";

constexpr int kMostValueBytes = 64 << 20;  ///< of one text or blob: a file can claim 2 GB

/// The file is locked by others, and waiting for them didn't help.
class Locked : public Error {
 public:
  using Error::Error;
};

/// The 32 bytes that 64 hexadecimal digits spell.
std::string digest_bytes(std::string_view hex) {
  FPCLS_CHECK(hex.size() == 64);
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(digit(hex[i]) << 4 | digit(hex[i + 1]));
  }
  return bytes;
}

std::string_view bytes_of(const std::vector<float>& scores) {
  return {reinterpret_cast<const char*>(scores.data()), scores.size() * sizeof(float)};
}

}  // namespace

class ResultDb::Connection {
 public:
  explicit Connection(const std::filesystem::path& file) : file_(file) {
    const int status =
        sqlite3_open_v2(file.c_str(), &db_,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    if (status != SQLITE_OK) {
      const std::string reason = db_ != nullptr ? sqlite3_errmsg(db_) : "out of memory";
      sqlite3_close(db_);
      fail("{}: cannot open the result cache: {}", quoted(file_), reason);
    }
    sqlite3_busy_timeout(db_, kBusyTimeout_ms);
    // The file may come from anybody: its own SQL calls no functions but harmless ones.
    sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, kMostValueBytes);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  }
  ~Connection() {
    for (sqlite3_stmt* statement : {find, insert, touch}) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[noreturn]] void unusable(const std::string& reason) const {
    fail(
        "{}: is not a result cache that can be used: {}; delete the folder {}, or give another one",
        quoted(file_), reason, quoted(file_.parent_path()));
  }

  /// Throws unless `status` means success.
  void check(int status) const {
    const int code = status & 0xff;
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return;
    const char* reason = sqlite3_errmsg(db_);
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_ERROR ||
        code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH) {
      unusable(reason);
    }
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
      throw Locked(fmt::format(
          "{}: the result cache stayed locked for {} s; end the process that holds it, or give "
          "another folder",
          quoted(file_), kBusyTimeout_ms / 1000));
    }
    fail("{}: cannot use the result cache: {}", quoted(file_), reason);
  }

  void execute(const char* sql) const { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }

  /// Prepared once, kept in `statement`.
  void prepare(sqlite3_stmt*& statement, const char* sql) const {
    if (statement != nullptr) return;
    check(sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
  }

  /// First column of the first row that `sql` gives, as a number.
  int64_t number(const char* sql, int64_t parameter = 0) const {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr));
    if (sqlite3_bind_parameter_count(statement) > 0) sqlite3_bind_int64(statement, 1, parameter);
    const int status = sqlite3_step(statement);
    const int64_t value = status == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    // Finalizing repeats the step's own error, and then errmsg speaks of it.
    check(sqlite3_finalize(statement));
    return value;
  }

  /// Runs a statement that gives no rows and makes it ready for the next time.
  void run(sqlite3_stmt* statement) const {
    sqlite3_step(statement);
    check(sqlite3_reset(statement));
  }

  /// Whether there is a table that was made by `sql`, and not a view that only looks like it.
  bool has_table(const char* sql) const {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(db_, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND sql = ?1",
                             -1, &statement, nullptr));
    sqlite3_bind_text(statement, 1, sql, -1, SQLITE_STATIC);
    const bool found = sqlite3_step(statement) == SQLITE_ROW;
    check(sqlite3_finalize(statement));
    return found;
  }

  std::string text(const char* sql) const {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr));
    std::string value;
    if (sqlite3_step(statement) == SQLITE_ROW) {
      value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    }
    check(sqlite3_finalize(statement));
    return value;
  }

  sqlite3_stmt* find = nullptr;
  sqlite3_stmt* insert = nullptr;
  sqlite3_stmt* touch = nullptr;

 private:
  std::filesystem::path file_;
  sqlite3* db_ = nullptr;
};

namespace {

/// Takes the write lock at once, so that two processes never hold read locks and wait for each
/// other; rolled back unless committed.
template <class Db>
class Transaction {
 public:
  explicit Transaction(Db& db) : db_(db) { db_.execute("BEGIN IMMEDIATE"); }
  ~Transaction() {
    if (open_) try {
        db_.execute("ROLLBACK");
      } catch (const Error&) {  // what made us roll back is already on its way up
      }
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() {
    db_.execute("COMMIT");
    open_ = false;
  }

 private:
  Db& db_;
  bool open_ = true;
};

template <class Db>
void create_or_check_schema(Db& db) {
  // The first use of the file: fails here where it isn't SQLite's.
  if (db.number("PRAGMA user_version") == 0) {
    db.execute("PRAGMA auto_vacuum = INCREMENTAL");  // only has an effect before the first table
    Transaction transaction(db);
    if (db.number("PRAGMA user_version") == 0) {  // else another process was faster
      if (db.number("SELECT count(*) FROM sqlite_master") != 0) {
        db.unusable("it is another program's database");
      }
      db.execute(kClassifierTable);
      db.execute(kScoreTable);
      db.execute(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str());
      db.execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion).c_str());
    }
    transaction.commit();
  }
  if (db.number("PRAGMA application_id") != kApplicationId) {
    db.unusable("it is another program's database");
  }
  const int64_t version = db.number("PRAGMA user_version");
  const int64_t triggers = db.number("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'");
  if (version == kSchemaVersion &&
      (triggers != 0 || !db.has_table(kClassifierTable) || !db.has_table(kScoreTable))) {
    db.unusable("its tables are others than a cache has");
  }
  if (version != kSchemaVersion) {
    db.unusable(fmt::format("it has schema version {}, expected {} (a {} fpcls made it)", version,
                            kSchemaVersion, version > kSchemaVersion ? "newer" : "older"));
  }
}

template <class Db>
void switch_to_log(Db& db) {
  const std::string mode = db.text("PRAGMA journal_mode = WAL");
  if (mode != "wal") {
    db.unusable("its file system cannot hold a write-ahead log (is it on the network?)");
  }
}

}  // namespace

ResultDb::ResultDb(const std::filesystem::path& file) : db_(std::make_unique<Connection>(file)) {
  // Two processes that make the file together would each wait for the other's lock to switch to the
  // log; SQLite then tells one of them at once that the file is locked, whatever the timeout.
  const Stopwatch watch;
  for (;;) {
    try {
      create_or_check_schema(*db_);
      switch_to_log(*db_);
      break;
    } catch (const Locked&) {
      if (watch.ms() > kBusyTimeout_ms) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  db_->execute("PRAGMA synchronous = NORMAL");
  db_->execute("PRAGMA journal_size_limit = 4000000");
}

ResultDb::~ResultDb() = default;

int64_t ResultDb::classifier_id(const std::string& key) {
  sqlite3_stmt* statement = nullptr;
  Transaction transaction(*db_);
  db_->prepare(statement, "INSERT OR IGNORE INTO classifier (key) VALUES (?1)");
  sqlite3_bind_text(statement, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
  sqlite3_step(statement);
  db_->check(sqlite3_finalize(std::exchange(statement, nullptr)));
  db_->prepare(statement, "SELECT id FROM classifier WHERE key = ?1");
  sqlite3_bind_text(statement, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC);
  sqlite3_step(statement);
  const int64_t id = sqlite3_column_int64(statement, 0);
  db_->check(sqlite3_finalize(statement));
  transaction.commit();
  return id;
}

std::optional<ResultDb::Found> ResultDb::find(int64_t classifier, std::string_view image_sha256,
                                              int64_t oldest_made_s) {
  db_->prepare(db_->find,
               "SELECT value, used_s FROM score"
               " WHERE image = ?1 AND classifier = ?2 AND made_s >= ?3");
  const std::string image = digest_bytes(image_sha256);
  sqlite3_bind_blob(db_->find, 1, image.data(), static_cast<int>(image.size()), SQLITE_STATIC);
  sqlite3_bind_int64(db_->find, 2, classifier);
  sqlite3_bind_int64(db_->find, 3, oldest_made_s);
  std::optional<Found> found;
  bool valid = true;
  if (sqlite3_step(db_->find) == SQLITE_ROW) {
    found.emplace();
    const auto bytes = static_cast<size_t>(sqlite3_column_bytes(db_->find, 0));
    found->scores.resize(bytes / sizeof(float));
    if (bytes > 0) {
      std::memcpy(found->scores.data(), sqlite3_column_blob(db_->find, 0),
                  found->scores.size() * sizeof(float));
    }
    found->used_s = sqlite3_column_int64(db_->find, 1);
    valid = bytes > 0 && bytes % sizeof(float) == 0 &&
            std::all_of(found->scores.begin(), found->scores.end(),
                        [](float score) { return score >= 0 && score <= 1; });
  }
  db_->check(sqlite3_reset(db_->find));
  if (!valid) db_->unusable("it holds a score that is not in 0..1");
  return found;
}

void ResultDb::write(const std::vector<Entry>& entries, int64_t now_s) {
  db_->prepare(db_->insert,
               "INSERT OR REPLACE INTO score (classifier, image, value, made_s, used_s)"
               " VALUES (?1, ?2, ?4, ?3, ?3)");
  db_->prepare(db_->touch,
               "UPDATE score SET id = (SELECT max(id) + 1 FROM score), used_s = ?3"
               " WHERE classifier = ?1 AND image = ?2");
  Transaction transaction(*db_);
  for (const Entry& entry : entries) {
    sqlite3_stmt* statement = entry.scores.empty() ? db_->touch : db_->insert;
    const std::string image = digest_bytes(entry.image_sha256);
    const std::string_view value = bytes_of(entry.scores);
    sqlite3_bind_int64(statement, 1, entry.classifier);
    sqlite3_bind_blob(statement, 2, image.data(), static_cast<int>(image.size()), SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, now_s);
    if (!value.empty()) {
      sqlite3_bind_blob(statement, 4, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    }
    db_->run(statement);
  }
  transaction.commit();
}

void ResultDb::prune(int64_t max_bytes, int64_t oldest_made_s) {
  if (used_bytes() <= max_bytes) return;
  {
    Transaction transaction(*db_);
    db_->number("DELETE FROM score WHERE made_s < ?1", oldest_made_s);
    transaction.commit();
  }
  // A page is free only when all of it is, so the file shrinks by less than what was removed.
  for (;;) {
    const int64_t count = entry_count();
    const int64_t bytes = used_bytes();
    if (bytes <= max_bytes / 10 * 9 || count == 0) break;
    const double excess = 1 - 0.9 * static_cast<double>(max_bytes) / static_cast<double>(bytes);
    const auto removed = static_cast<int64_t>(std::ceil(excess * static_cast<double>(count)));
    Transaction transaction(*db_);
    db_->number("DELETE FROM score WHERE id IN (SELECT id FROM score ORDER BY id LIMIT ?1)",
                removed);
    transaction.commit();
  }
  db_->execute("PRAGMA incremental_vacuum");
}

int64_t ResultDb::entry_count() { return db_->number("SELECT count(*) FROM score"); }

int64_t ResultDb::used_bytes() {
  return (db_->number("PRAGMA page_count") - db_->number("PRAGMA freelist_count")) *
         db_->number("PRAGMA page_size");
}

}  // namespace fpcls
