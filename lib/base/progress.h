#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/stopwatch.h"

/// Progress of long work on stderr: a bar with rate and time left on a terminal, a plain line every
/// few seconds elsewhere, nothing when quiet or when the work ends within two seconds.
namespace fpcls {

class Progress {
 public:
  /// `what` names the work ("classifying"), `unit` what is counted ("pictures"); `total` below 0
  /// when it isn't known. `quiet` shows nothing.
  Progress(std::string what, std::string unit, int64_t total, bool quiet);
  /// Ends the line that the bar stands on, if there is one.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Counts `count` more as done. Any thread may call it.
  void advance(int64_t count = 1);
  /// Shown behind the bar from now on, such as a running figure.
  void set_note(std::string note);

 private:
  void show(int64_t done);

  const std::string what_, unit_;
  const int64_t total_;
  const bool quiet_, terminal_;
  std::atomic<int64_t> done_{0};
  std::atomic<double> next_s_;
  std::mutex mutex_;
  std::string note_;
  bool shown_ = false;
  Stopwatch watch_;
};

}  // namespace fpcls
