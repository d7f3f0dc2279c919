#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/progress.h"
#include "base/threads.h"
#include "tune/quantizing.h"

namespace fpcls {

/// At most `count` of the pictures, evenly from the whole list: lists are often sorted by class.
/// Valid as long as `pictures` is. Without logits.
inline InputSource spread(const InputSource& pictures, int64_t count) {
  count = std::min(count, pictures.count);
  return {count,
          [&pictures, count](int64_t i) { return pictures.read(i * pictures.count / count); },
          {}};
}

/// Calls `look(part, picture, input)` for the first `count` pictures, by the plan's workers.
/// Picture i belongs to part i % parts; a part's pictures come one after the other, in order, so
/// that sums over a part don't depend on who works on what.
template <class Look>
void for_each_picture(const InputSource& pictures, int64_t count, int64_t parts, const char* what,
                      const QuantizingPlan& plan, const Look& look) {
  std::atomic<int64_t> next{0};
  Progress progress(what, "pictures", count, plan.quiet);
  run_workers(plan.workers, [&](int) {
    for (int64_t part = next++; part < parts; part = next++) {
      for (int64_t i = part; i < count; i += parts) {
        if (plan.stop()) throw Interrupted();
        look(part, i, pictures.read(i));
        progress.advance();
      }
    }
  });
}

}  // namespace fpcls
