#include "run/common_options.h"

#include <algorithm>

#include "base/threads.h"

namespace fpcls {

Parallelism parallelism(const RuntimeOptions& options, int64_t pictures) {
  const int cores = usable_cores();
  Parallelism result{options.workers, options.threads};
  if (result.workers == 0 && result.threads == 0) {
    result.workers = static_cast<int>(std::clamp<int64_t>(pictures, 1, cores));
  }
  if (result.workers == 0) result.workers = std::max(1, cores / result.threads);
  if (result.threads == 0) result.threads = std::max(1, cores / result.workers);
  return result;
}

}  // namespace fpcls
