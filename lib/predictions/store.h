#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "predictions/prediction.h"

/// The predictions of one run in one SQLite file, written while the run goes on and readable by
/// anybody at any moment, also after a kill.
///
/// Tables, for people with the sqlite3 shell:
///
///     run    key, value                     what RunInfo says; lists as JSON
///     stage  position, name, labels (JSON), negative, accept, binary, model_path, ...
///     slice  position, name
///     image  row, path, slice, sha256, label, predicted, stage, reason_code, reason, decode_ms,
///     ... score  image, stage, label, value, ms  one row for each score; label is '' at binary
///     stages,
///                                            whose score is of their one scored label
///
/// `user_version` is the schema's version; a newer one is refused. While it is written the file is
/// in WAL mode (with -wal and -shm files beside it), `finish` makes it a single file.
namespace fpcls {

constexpr int kStoreSchemaVersion = 1;

enum class IfExists { refuse, replace };

/// Writes predictions from one thread of its own, in batches: `add` only puts them into a queue.
/// A kill loses at most the batch that was being gathered, about the last second.
class PredictionStore {
 public:
  /// Makes a new store. What is at `path` already is refused, or replaced if it is a store (a file
  /// of any other kind is never replaced). Throws Error where the file system can't do it.
  static std::unique_ptr<PredictionStore> create(const std::filesystem::path& path,
                                                 const RunInfo& run,
                                                 IfExists if_exists = IfExists::refuse);

  /// Goes on with the store at `path`, or makes it if there is none. Throws Error naming what
  /// differs unless `run` has the same list of pictures, shard, stages, models and thresholds.
  static std::unique_ptr<PredictionStore> resume(const std::filesystem::path& path,
                                                 const RunInfo& run);

  /// Stops the writer after what was added; failures are then lost, so call `finish` or `flush`.
  ~PredictionStore();
  PredictionStore(const PredictionStore&) = delete;
  PredictionStore& operator=(const PredictionStore&) = delete;

  /// Element `row` tells whether that row was there when the store was opened; at least
  /// `RunInfo::listed` elements.
  const std::vector<bool>& completed_rows() const;

  /// Any thread may call it. Waits only while the queue (1024 predictions) is full. A row that is
  /// there already is replaced. Throws Error once the writer has failed, for instance because the
  /// disk is full.
  void add(Prediction prediction);

  /// Returns when all that was added can be read by others; throws Error when it can't be.
  void flush();

  /// Flushes, records how the run ended, and leaves a single file (if somebody else is reading
  /// right now, the -wal file stays until the next opening).
  void finish(const RunInfo& run);

 private:
  struct Impl;
  explicit PredictionStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

enum class RowOrder {
  listed,   ///< by row
  content,  ///< by SHA-256, then path, then row
  path,     ///< by path, then row
};

/// Reads a store, also one that is being written (it sees what was there at the first read) or
/// whose writer was killed. Uses the same memory for any number of rows.
class PredictionReader {
 public:
  /// Throws Error for a file that isn't a store, is damaged, or was made by a newer version.
  explicit PredictionReader(const std::filesystem::path& path, RowOrder order = RowOrder::listed);
  ~PredictionReader();
  PredictionReader(PredictionReader&&) noexcept;

  const RunInfo& run() const;
  /// Predictions in the store.
  int64_t size() const;

  /// The next prediction in order, into storage that is used again; false at the end.
  bool next(Prediction& prediction);
  /// Makes `next` begin again.
  void rewind();
  /// Rewinds, then calls `use` with each prediction in order.
  void for_each(const std::function<void(const Prediction&)>& use);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether `path` is a file that begins as a SQLite database does: tells a store from a CSV file.
bool looks_like_store(const std::filesystem::path& path);

}  // namespace fpcls
