#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

/// The little of SQLite that this folder needs, with failures as Errors that name the file.
/// Internal to lib/predictions.
namespace fpcls::sqlite {

class Database {
 public:
  enum class Mode { read, write };
  Database(const std::filesystem::path& path, Mode mode);
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  sqlite3* handle() const { return handle_; }
  const std::filesystem::path& path() const { return path_; }

  void execute(const char* sql);
  /// The one value that `sql` gives, as text; empty when it gives none.
  std::string text(const char* sql);
  int64_t integer(const char* sql);

  /// Throws Error with what SQLite last said, and what can be done about it.
  [[noreturn]] void fail_with(int code) const;

 private:
  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
};

/// A prepared statement; columns and parameters count from 0.
class Statement {
 public:
  Statement(Database& database, const char* sql);
  ~Statement() { sqlite3_finalize(handle_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// The text must live until the next `run` or `reset`.
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, int64_t value);
  Statement& bind(int parameter, double value);
  Statement& bind_null(int parameter);

  /// Moves to the next row; false when there is none.
  bool step();
  void reset() { sqlite3_reset(handle_); }
  /// For statements that give no rows: runs it and makes it ready for the next time.
  void run();

  bool is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
  /// Valid until the next step.
  std::string_view text(int column) const;
  int64_t integer(int column) const { return sqlite3_column_int64(handle_, column); }
  double real(int column) const { return sqlite3_column_double(handle_, column); }

 private:
  void check(int code) const {
    if (code != SQLITE_OK) database_.fail_with(code);
  }

  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace fpcls::sqlite
