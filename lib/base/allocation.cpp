#include "base/allocation.h"

#include <limits>
#include <mutex>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace fpcls {
namespace {

std::mutex keepers_mutex;
int keepers = 0;

#if defined(__GLIBC__)
void keep_all() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

void return_what_is_free() {
  constexpr int kMappings = 65536;  // glibc's default
  mallopt(M_MMAP_MAX, kMappings);
  return_large_buffers();
  malloc_trim(0);
}
#else
void keep_all() {}
void return_what_is_free() {}
#endif

}  // namespace

void return_large_buffers() {
#if defined(__GLIBC__)
  constexpr int kLarge_bytes = 4 << 20;
  mallopt(M_MMAP_THRESHOLD, kLarge_bytes);
  mallopt(M_TRIM_THRESHOLD, 2 * kLarge_bytes);
#endif
}

KeptBuffers::KeptBuffers() {
  const std::lock_guard lock(keepers_mutex);
  if (keepers++ == 0) keep_all();
}

KeptBuffers::~KeptBuffers() {
  const std::lock_guard lock(keepers_mutex);
  if (--keepers == 0) return_what_is_free();
}

}  // namespace fpcls
