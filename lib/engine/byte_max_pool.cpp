#include "engine/byte_max_pool.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace fpcls {
namespace {

using Type = memory::data_type;

constexpr int64_t kMaxChannels = 32;
constexpr int64_t kBlock = 16;          // a register that every x86-64 has
constexpr int64_t kMaxRowBytes = 8192;  // on each thread's stack

struct Axis {
  int64_t in, out, kernel, stride, padding;

  int64_t begin(int64_t o) const { return std::max<int64_t>(o * stride - padding, 0); }
  int64_t end(int64_t o) const { return std::min(o * stride - padding + kernel, in); }
  bool each_window_holds_data() const { return begin(out - 1) < end(out - 1) && end(0) > 0; }
};

struct Shapes {
  int64_t pictures, channels;
  Axis rows, columns;
};

/// Numbers that lie apart: x[0], x[step], …, `count` of them.
template <class T>
struct Candidates {
  const T* x;
  int64_t step, count;
};

template <class T>
void largest_block(const Candidates<T>& of, int64_t at, T* y) {
  std::array<T, kBlock> best, next;
  std::memcpy(best.data(), of.x + at, kBlock);
  for (int64_t k = 1; k < of.count; ++k) {
    std::memcpy(next.data(), of.x + k * of.step + at, kBlock);
    for (size_t i = 0; i < best.size(); ++i) best[i] = std::max(best[i], next[i]);
  }
  std::memcpy(y + at, best.data(), kBlock);
}

/// y[i] = the largest of x[i], x[step + i], …, for `width` >= kBlock numbers side by side; the last
/// block may cover some for the second time.
template <class T>
void largest(const Candidates<T>& of, int64_t width, T* y) {
  for (int64_t i = 0; i + kBlock <= width; i += kBlock) largest_block(of, i, y);
  if (width % kBlock != 0) largest_block(of, width - kBlock, y);
}

/// The same for any `width`; reads and writes up to kBlock - 1 numbers more than that.
template <class T>
void largest_and_more(const Candidates<T>& of, int64_t width, T* y) {
  for (int64_t i = 0; i < width; i += kBlock) largest_block(of, i, y);
}

template <class T>
void pool(const Shapes& s, const T* x, T* y) {
  const int64_t in_bytes = s.columns.in * s.channels;
  const int64_t out_bytes = s.columns.out * s.channels;
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t n = 0; n < s.pictures; ++n) {
    for (int64_t o = 0; o < s.rows.out; ++o) {
      std::array<T, kMaxRowBytes + kBlock> row, result;
      const int64_t first = s.rows.begin(o);
      largest<T>({x + (n * s.rows.in + first) * in_bytes, in_bytes, s.rows.end(o) - first},
                 in_bytes, row.data());
      for (int64_t p = 0; p < s.columns.out; ++p) {
        const int64_t left = s.columns.begin(p);
        largest_and_more<T>({row.data() + left * s.channels, s.channels, s.columns.end(p) - left},
                            s.channels, result.data() + p * s.channels);
      }
      std::memcpy(y + (n * s.rows.out + o) * out_bytes, result.data(),
                  static_cast<size_t>(out_bytes));
    }
  }
}

Shapes shapes(const memory::desc& x, const Shape& out, const Window& window) {
  const memory::dims in = dims_of(x);
  const auto axis = [&](size_t i) {
    return Axis{in[2 + i], out[2 + i], window.kernel[i], window.stride[i],
                window.padding_before[i]};
  };
  return {in[0], in[1], axis(0), axis(1)};
}

}  // namespace

bool takes_byte_max(const memory::desc& x, const Shape& out, const Window& window) {
  const memory::dims dims = dims_of(x);
  const Type type = type_of(x);
  if (dims.size() != 4 || (type != Type::u8 && type != Type::s8)) return false;
  if (x != memory::desc(dims, type, memory::format_tag::nhwc)) return false;
  const Shapes s = shapes(x, out, window);
  return window.dilation == memory::dims{1, 1} && s.channels <= kMaxChannels &&
         s.columns.in * s.channels >= kBlock && s.columns.in * s.channels <= kMaxRowBytes &&
         s.columns.out * s.channels <= kMaxRowBytes && s.rows.each_window_holds_data() &&
         s.columns.each_window_holds_data();
}

OwnKernel byte_max_kernel(const memory::desc& x, const Shape& out, const Window& window) {
  const Shapes s = shapes(x, out, window);
  if (type_of(x) == Type::u8) {
    return [s](void* const* a) {
      pool(s, static_cast<const uint8_t*>(a[0]), static_cast<uint8_t*>(a[1]));
    };
  }
  return [s](void* const* a) {
    pool(s, static_cast<const int8_t*>(a[0]), static_cast<int8_t*>(a[1]));
  };
}

}  // namespace fpcls
