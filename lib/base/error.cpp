#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace fpcls {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "fpcls: bug: %s:%d: '%s' does not hold\n", file, line, condition);
  std::abort();
}

}  // namespace fpcls
