#include "predictions/sqlite.h"

#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace fpcls::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr int kMostValueBytes = 64 << 20;  ///< of one text: a file can claim 2 GB

const char* remedy(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "; free some space, then go on with --resume";
    case SQLITE_CORRUPT:
      return "; the file is damaged: make it again, or restore a copy";
    case SQLITE_NOTADB:
      return "; expected a store of predictions (predictions.sqlite)";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "; another process holds it: wait for it to end";
    case SQLITE_IOERR:
      return "; is the disk full, or the file system on the network?";
    default:
      return "";
  }
}

}  // namespace

Database::Database(const std::filesystem::path& path, Mode mode) : path_(path) {
  const int flags =
      mode == Mode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    const int system = handle_ != nullptr ? sqlite3_system_errno(handle_) : 0;
    sqlite3_close(handle_);
    fail("{}: cannot open: {}", quoted(path),
         system != 0 ? std::strerror(system) : sqlite3_errstr(code));
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, kBusyTimeoutMs);
  // The file may come from anybody: its own SQL calls no functions but harmless ones, and pages
  // that contradict themselves are found before they are used.
  sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, kMostValueBytes);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_exec(handle_, "PRAGMA cell_size_check = ON", nullptr, nullptr, nullptr);
}

void Database::fail_with(int code) const {
  const int system = sqlite3_system_errno(handle_);
  const bool in_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  fail("{}: {}{}{}", quoted(path_), sqlite3_errmsg(handle_),
       in_system && system != 0 ? fmt::format(" ({})", std::strerror(system)) : "", remedy(code));
}

void Database::execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail_with(code);
}

std::string Database::text(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? std::string(statement.text(0)) : "";
}

int64_t Database::integer(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
  check(
      sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle_, nullptr));
}

Statement& Statement::bind(int parameter, std::string_view text) {
  // A null pointer would bind NULL, and an empty view may hold one.
  const char* data = text.empty() ? "" : text.data();
  check(sqlite3_bind_text64(handle_, parameter + 1, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(int parameter, int64_t value) {
  check(sqlite3_bind_int64(handle_, parameter + 1, value));
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  check(sqlite3_bind_double(handle_, parameter + 1, value));
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  check(sqlite3_bind_null(handle_, parameter + 1));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.fail_with(code);
  return false;
}

void Statement::run() {
  const int code = sqlite3_step(handle_);
  if (code != SQLITE_DONE) {
    // Resetting may change the message, so it comes after.
    struct Reset {
      sqlite3_stmt* handle;
      ~Reset() { sqlite3_reset(handle); }
    } const reset{handle_};
    database_.fail_with(code);
  }
  sqlite3_reset(handle_);
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (data == nullptr) return {};
  return {data, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

}  // namespace fpcls::sqlite
