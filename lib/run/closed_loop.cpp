#include "run/closed_loop.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>

#include "base/stopwatch.h"
#include "base/threads.h"

namespace fpcls {
namespace {

constexpr size_t kAgreeing = 3;
constexpr double kAgreement_ratio = 0.05;
constexpr size_t kFewCalls = 3;

/// Lets in as many as there are workers, in the order in which they came.
class Turnstile {
 public:
  explicit Turnstile(int workers) : free_(workers) {}

  void enter() {
    std::unique_lock lock(mutex_);
    const uint64_t ticket = next_ticket_++;
    changed_.wait(lock, [&] { return free_ > 0 && serving_ == ticket; });
    ++serving_;
    --free_;
    changed_.notify_all();
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    ++free_;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int free_;
  uint64_t next_ticket_ = 0, serving_ = 0;
};

/// What one caller measured since the last window ended.
struct Calls {
  std::mutex mutex;
  std::vector<float> ms;
};

struct Window {
  std::vector<float> latencies_ms;
  double images_per_second = 0;
};

class Loop {
 public:
  Loop(const LoopPlan& plan, const std::function<void(int, int64_t)>& call)
      : plan_(plan),
        call_(call),
        callers_(plan.clients > 0 ? plan.clients : plan.workers),
        turnstile_(plan.workers),
        calls_(static_cast<size_t>(callers_)) {}

  LoopResult run() {
    std::exception_ptr failure;
    std::thread callers([&] {
      try {
        run_workers(callers_, [&](int caller) { keep_calling(caller); });
      } catch (...) {
        failure = std::current_exception();
      }
    });
    const LoopResult result = measure();
    stop_ = true;
    callers.join();
    if (failure) std::rethrow_exception(failure);
    return result;
  }

 private:
  void keep_calling(int caller) {
    Calls& mine = calls_[static_cast<size_t>(caller)];
    try {
      int64_t number = 0;
      for (; number < plan_.warmup && !stop_; ++number) one_call(caller, number);
      // None is measured while another still warms up.
      ++warm_;
      while (!stop_) {
        const bool counts = warm_ == callers_;
        const float ms = one_call(caller, number++);
        if (!counts) continue;
        const std::lock_guard lock(mine.mutex);
        mine.ms.push_back(ms);
      }
    } catch (...) {
      stop_ = true;
      throw;
    }
  }

  float one_call(int caller, int64_t number) {
    const Stopwatch watch;
    const bool shared = callers_ > plan_.workers;
    if (shared) turnstile_.enter();
    try {
      call_(caller, number);
    } catch (...) {
      if (shared) turnstile_.leave();
      throw;
    }
    if (shared) turnstile_.leave();
    return static_cast<float>(watch.ms());
  }

  LoopResult measure() {
    LoopResult result;
    std::vector<Window> windows;
    std::vector<double> rates;
    while (!stop_ && static_cast<int>(windows.size()) < plan_.most_windows && !result.stable) {
      windows.push_back(next_window());
      rates.push_back(windows.back().images_per_second);
      result.stable = windows_agree(rates);
    }
    result.windows = static_cast<int>(windows.size());
    const size_t first = result.stable ? windows.size() - kAgreeing : 0;
    for (size_t i = first; i < windows.size(); ++i) {
      const auto& ms = windows[i].latencies_ms;
      result.latencies_ms.insert(result.latencies_ms.end(), ms.begin(), ms.end());
      result.images_per_second += rates[i] / static_cast<double>(windows.size() - first);
    }
    std::sort(result.latencies_ms.begin(), result.latencies_ms.end());
    return result;
  }

  Window next_window() {
    while (warm_ < callers_ && !stop_) pause();
    const Stopwatch watch;
    while (!stop_ && (watch.seconds() < plan_.window_s || !enough_calls())) pause();
    Window window;
    for (Calls& calls : calls_) {
      const std::lock_guard lock(calls.mutex);
      double sum_ms = 0;
      for (const float ms : calls.ms) sum_ms += ms;
      // Of whole calls: a window cuts off none, so that it needn't be long against one.
      if (sum_ms > 0) {
        window.images_per_second +=
            1e3 * static_cast<double>(calls.ms.size()) * plan_.batch / sum_ms;
      }
      window.latencies_ms.insert(window.latencies_ms.end(), calls.ms.begin(), calls.ms.end());
      calls.ms.clear();
    }
    return window;
  }

  bool enough_calls() {
    return std::all_of(calls_.begin(), calls_.end(), [](Calls& calls) {
      const std::lock_guard lock(calls.mutex);
      return calls.ms.size() >= kFewCalls;
    });
  }

  static void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }

  const LoopPlan& plan_;
  const std::function<void(int, int64_t)>& call_;
  const int callers_;
  Turnstile turnstile_;
  std::vector<Calls> calls_;
  std::atomic<int> warm_{0};
  std::atomic<bool> stop_{false};
};

}  // namespace

LoopResult run_closed_loop(const LoopPlan& plan, const std::function<void(int, int64_t)>& call) {
  return Loop(plan, call).run();
}

bool windows_agree(const std::vector<double>& rates) {
  if (rates.size() < kAgreeing) return false;
  const auto first = rates.end() - kAgreeing;
  const auto [low, high] = std::minmax_element(first, rates.end());
  return *low > 0 && *high <= *low * (1 + kAgreement_ratio);
}

}  // namespace fpcls
