#include "engine/window.h"

#include <algorithm>

namespace fpcls {
namespace {

memory::dims dims(const Pair& pair) { return {pair[0], pair[1]}; }

}  // namespace

Window conv_window(const ConvAttributes& a) {
  return {{},
          dims(a.stride),
          dims(a.dilation),
          {a.padding[0], a.padding[1]},
          {a.padding[2], a.padding[3]}};
}

Window pool_window(const PoolAttributes& a, const Shape& in, const Shape& out) {
  Window window{dims(a.kernel),
                dims(a.stride),
                dims(a.dilation),
                {a.padding[0], a.padding[1]},
                {a.padding[2], a.padding[3]}};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t reach = a.dilation[i] * (a.kernel[i] - 1) + 1;
    const int64_t needed = (out[2 + i] - 1) * a.stride[i] + reach - in[2 + i] - a.padding[i];
    window.padding_after[i] = std::max(window.padding_after[i], needed);
  }
  return window;
}

}  // namespace fpcls
