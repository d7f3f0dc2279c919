#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/text.h"

namespace fpcls {
namespace {

constexpr double kFirstShown_s = 2.0;
constexpr double kTerminalInterval_s = 0.2;
constexpr double kPlainInterval_s = 5.0;
constexpr int kBarWidth = 24;

std::string bar(double part) {
  const int full = static_cast<int>(part * kBarWidth);
  std::string text = "[";
  for (int i = 0; i < kBarWidth; ++i) text += i < full ? '#' : '.';
  return text + "]";
}

}  // namespace

Progress::Progress(std::string what, std::string unit, int64_t total, bool quiet)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      next_s_(kFirstShown_s) {}

Progress::~Progress() {
  if (!shown_) return;
  show(done_);
  if (terminal_) std::fputc('\n', stderr);
}

void Progress::advance(int64_t count) {
  const int64_t done = done_ += count;
  if (quiet_ || watch_.seconds() < next_s_) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock.owns_lock() && watch_.seconds() >= next_s_) show(done);
}

void Progress::set_note(std::string note) {
  const std::lock_guard lock(mutex_);
  note_ = std::move(note);
}

void Progress::show(int64_t done) {
  const double elapsed_s = watch_.seconds();
  next_s_ = elapsed_s + (terminal_ ? kTerminalInterval_s : kPlainInterval_s);
  shown_ = true;
  const double rate = static_cast<double>(done) / std::max(elapsed_s, 1e-9);
  std::string line = what_;
  if (total_ > 0) {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    if (terminal_) line += " " + bar(part);
    line += fmt::format(" {:3.0f} % {}/{} {}", 100 * part, done, total_, unit_);
  } else {
    line += fmt::format(" {} {}", done, unit_);
  }
  line += fmt::format(", {:.1f}/s", rate);
  if (total_ > 0 && done > 0) {
    const double left_s = static_cast<double>(std::max<int64_t>(0, total_ - done)) / rate;
    line += done < total_ ? ", " + format_duration(left_s) + " left"
                          : ", took " + format_duration(elapsed_s);
  }
  if (!note_.empty()) line += ", " + note_;
  fmt::print(stderr, terminal_ ? "\r{}\x1b[K" : "{}\n", line);
  std::fflush(stderr);
}

}  // namespace fpcls
