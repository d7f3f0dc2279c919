#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cascade/result_db.h"

/// Scores that were computed before, kept from run to run in a folder: one SQLite file that any
/// number of processes may use at once.
///
/// A score is found by the SHA-256 of the picture's file and by everything else that it depends on
/// (`classifier_key` in cascade.h), all of it compared whole. What changes none of that, such as
/// a file's name or a threshold, changes nothing here.
namespace fpcls {

struct ResultCacheOptions {
  int64_t max_age_s = 90 * 86400;     ///< older results are not given any more
  int64_t max_bytes = 1'000'000'000;  ///< of the file; its log takes up to 4 MB more
  /// Seconds since 1970; the system's clock where it isn't given.
  std::function<int64_t()> now_s;
};

/// Thread-safe. `lookup` sees what other processes have stored; `insert` and the noting of uses go
/// through one writer thread, in batches. Where writing fails (full disk), the next call throws.
class ResultCache {
 public:
  /// Makes the folder where it isn't there. Throws Error for a file that is damaged, foreign or of
  /// a newer schema: nothing is ever removed for being unreadable, the user deletes the folder.
  explicit ResultCache(const std::filesystem::path& folder, ResultCacheOptions options = {});
  /// Stores what is waiting; a failure is lost here, so call `flush` first.
  ~ResultCache();
  ResultCache(const ResultCache&) = delete;
  ResultCache& operator=(const ResultCache&) = delete;

  /// The number under which `lookup` and `insert` know a classifier: everything that its scores
  /// depend on but the picture.
  int64_t classifier_id(const std::string& key);

  std::optional<std::vector<float>> lookup(int64_t classifier, const std::string& image_sha256);

  /// `scores` must not be empty. Waits while very much is still to be written.
  void insert(int64_t classifier, const std::string& image_sha256, std::vector<float> scores);

  /// Returns when everything inserted so far is stored.
  void flush();

 private:
  void queue(ResultDb::Entry entry);
  void write_until_closed();
  void write(const std::vector<ResultDb::Entry>& entries);
  int64_t oldest_made_s() const { return options_.now_s() - options_.max_age_s; }

  ResultCacheOptions options_;
  std::mutex reader_mutex_;
  ResultDb reader_;
  ResultDb writer_;  // the writer thread's own

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<ResultDb::Entry> waiting_;
  bool writing_ = false;
  bool flush_wanted_ = false;
  bool closing_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace fpcls
