#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// One connection to the file behind a `ResultCache`. Not thread-safe: each thread has its own, and
/// any number of them, in any number of processes, may be open on the same file (write-ahead log;
/// whoever finds it locked waits).
///
/// Every failure is an Error that names the file and says how to go on, which is to delete the
/// folder wherever the file is damaged, foreign or newer than this program.
namespace fpcls {

class ResultDb {
 public:
  struct Found {
    std::vector<float> scores;
    int64_t used_s = 0;  ///< when it was last noted as used
  };
  struct Entry {
    int64_t classifier = 0;
    std::string image_sha256;   ///< 64 hexadecimal digits
    std::vector<float> scores;  ///< empty: only note that what is stored was used
  };

  /// Opens the file, makes it where it isn't there.
  explicit ResultDb(const std::filesystem::path& file);
  ~ResultDb();
  ResultDb(const ResultDb&) = delete;
  ResultDb& operator=(const ResultDb&) = delete;

  /// The number that stands for `key` in this file, the same for every process.
  int64_t classifier_id(const std::string& key);

  /// What was stored at `oldest_made_s` or later.
  std::optional<Found> find(int64_t classifier, std::string_view image_sha256,
                            int64_t oldest_made_s);

  /// Stores `entries` in one transaction; what is stored already is replaced.
  void write(const std::vector<Entry>& entries, int64_t now_s);

  /// Where the file is larger than `max_bytes`: removes what was made before `oldest_made_s`, then
  /// what wasn't used for longest, down to about nine tenths of the limit.
  void prune(int64_t max_bytes, int64_t oldest_made_s);

  int64_t entry_count();
  /// Of the file without its log, free pages left out.
  int64_t used_bytes();

 private:
  class Connection;
  std::unique_ptr<Connection> db_;
};

}  // namespace fpcls
