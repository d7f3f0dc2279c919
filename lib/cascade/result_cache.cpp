#include "cascade/result_cache.h"

#include <chrono>
#include <ctime>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace fpcls {
namespace {

constexpr const char* kFileName = "results.sqlite";
constexpr size_t kBatch = 512;
constexpr size_t kMostWaiting = 64 * kBatch;
constexpr auto kLongestWait = std::chrono::seconds(1);
/// Noting every use would write as much as was ever read.
constexpr int64_t kUseInterval_s = 86400;

std::filesystem::path file_in(const std::filesystem::path& folder) {
  make_writable_folder(folder);
  return folder / kFileName;
}

}  // namespace

ResultCache::ResultCache(const std::filesystem::path& folder, ResultCacheOptions options)
    : options_(std::move(options)), reader_(file_in(folder)), writer_(folder / kFileName) {
  if (!options_.now_s) {
    options_.now_s = [] { return static_cast<int64_t>(std::time(nullptr)); };
  }
  writer_.prune(options_.max_bytes, oldest_made_s());
  thread_ = std::thread([this] { write_until_closed(); });
}

ResultCache::~ResultCache() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

int64_t ResultCache::classifier_id(const std::string& key) {
  const std::lock_guard lock(reader_mutex_);
  return reader_.classifier_id(key);
}

std::optional<std::vector<float>> ResultCache::lookup(int64_t classifier,
                                                      const std::string& image_sha256) {
  std::optional<ResultDb::Found> found;
  {
    const std::lock_guard lock(reader_mutex_);
    found = reader_.find(classifier, image_sha256, oldest_made_s());
  }
  if (!found) return std::nullopt;
  if (options_.now_s() - found->used_s >= kUseInterval_s) queue({classifier, image_sha256, {}});
  return std::move(found->scores);
}

void ResultCache::insert(int64_t classifier, const std::string& image_sha256,
                         std::vector<float> scores) {
  FPCLS_CHECK(!scores.empty());
  queue({classifier, image_sha256, std::move(scores)});
}

void ResultCache::queue(ResultDb::Entry entry) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return failure_ || waiting_.size() < kMostWaiting; });
  if (failure_) std::rethrow_exception(failure_);
  waiting_.push_back(std::move(entry));
  if (waiting_.size() == kBatch) changed_.notify_all();
}

void ResultCache::flush() {
  std::unique_lock lock(mutex_);
  flush_wanted_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return failure_ || (waiting_.empty() && !writing_); });
  if (failure_) std::rethrow_exception(failure_);
}

void ResultCache::write_until_closed() {
  std::unique_lock lock(mutex_);
  while (!failure_) {
    changed_.wait_for(lock, kLongestWait, [&] {
      return closing_ || waiting_.size() >= kBatch || (flush_wanted_ && !waiting_.empty());
    });
    flush_wanted_ = false;
    if (waiting_.empty()) {
      if (closing_) return;
      continue;
    }
    const std::vector<ResultDb::Entry> entries = std::exchange(waiting_, {});
    writing_ = true;
    lock.unlock();
    std::exception_ptr failure;
    try {
      write(entries);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    writing_ = false;
    failure_ = failure;
    changed_.notify_all();
  }
}

void ResultCache::write(const std::vector<ResultDb::Entry>& entries) {
  writer_.write(entries, options_.now_s());
  writer_.prune(options_.max_bytes, oldest_made_s());
}

}  // namespace fpcls
