#include "engine/own_kernels.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "graph/bf16.h"

namespace fpcls {
namespace {

using Type = memory::data_type;
using Tag = memory::format_tag;

float load(float value) { return value; }
float load(uint16_t value) { return from_bf16(value); }
void store(float& place, float value) { place = value; }
void store(uint16_t& place, float value) { place = to_bf16(value); }

/// {N, outer, pixels, inner} with a number for each of N x outer x inner.
struct GateShape {
  int64_t pictures, outer, pixels, inner, channels;
};

template <class T>
void gate(const GateShape& s, const T* x, const T* g, T* y) {
#pragma omp parallel for collapse(2) schedule(static)
  for (int64_t n = 0; n < s.pictures; ++n) {
    for (int64_t o = 0; o < s.outer; ++o) {
      const int64_t first = o * s.inner;
      const int64_t begin = (n * s.outer + o) * s.pixels * s.inner;
      const T* gates = g + n * s.channels + first;
      const int64_t known = std::min(s.inner, s.channels - first);  // the rest of a block is 0
      for (int64_t p = 0; p < s.pixels; ++p) {
        const T* from = x + begin + p * s.inner;
        T* to = y + begin + p * s.inner;
        for (int64_t c = 0; c < known; ++c) store(to[c], load(from[c]) * load(gates[c]));
        for (int64_t c = known; c < s.inner; ++c) to[c] = T();
      }
    }
  }
}

/// Channels that lie side by side in memory; 0 for a layout that isn't known.
int64_t block_of(const memory::desc& desc) {
  const memory::dims dims = dims_of(desc);
  if (dims.size() != 4) return 0;
  const Type type = type_of(desc);
  if (type != Type::f32 && type != Type::bf16) return 0;
  if (desc == memory::desc(dims, type, Tag::nhwc)) return dims[1];
  if (desc == memory::desc(dims, type, Tag::nChw16c)) return 16;
  if (desc == memory::desc(dims, type, Tag::nChw8c)) return 8;
  if (desc == memory::desc(dims, type, Tag::nchw)) return 1;
  return 0;
}

}  // namespace

bool is_channel_gate(const Shape& x, const Shape& gate) {
  return x.size() == 4 && gate.size() == 4 && gate[1] == x[1] && gate[2] == 1 && gate[3] == 1;
}

bool channel_layout(const memory::desc& desc) { return block_of(desc) > 0; }

OwnKernel gate_kernel(const memory::desc& x) {
  const memory::dims dims = dims_of(x);
  const int64_t block = block_of(x);
  FPCLS_CHECK(block > 0);
  const GateShape shape{dims[0], (dims[1] + block - 1) / block, dims[2] * dims[3], block, dims[1]};
  if (type_of(x) == Type::f32) {
    return [shape](void* const* a) {
      gate(shape, static_cast<const float*>(a[0]), static_cast<const float*>(a[1]),
           static_cast<float*>(a[2]));
    };
  }
  return [shape](void* const* a) {
    gate(shape, static_cast<const uint16_t*>(a[0]), static_cast<const uint16_t*>(a[1]),
         static_cast<uint16_t*>(a[2]));
  };
}

OwnKernel slice_kernel(const Shape& in, const SliceAttributes& slice, int64_t number_bytes) {
  const auto axis = static_cast<size_t>(slice.axis);
  int64_t outer = 1, inner = number_bytes;
  for (size_t i = 0; i < axis; ++i) outer *= in[i];
  for (size_t i = axis + 1; i < in.size(); ++i) inner *= in[i];
  const int64_t extent = in[axis];
  return [=](void* const* a) {
    const auto* x = static_cast<const char*>(a[0]);
    auto* y = static_cast<char*>(a[1]);
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = slice.begin; i < slice.end; i += slice.step, y += inner) {
        std::memcpy(y, x + (o * extent + i) * inner, static_cast<size_t>(inner));
      }
    }
  };
}

OwnKernel patches_kernel(const Shape& in, const Shape& out, const Window& window,
                         const Shape& weight) {
  const int64_t channels = in[1], height = in[2], width = in[3];
  const int64_t out_height = out[2], out_width = out[3];
  const int64_t rows = out[0] * out_height * out_width;
  const int64_t window_height = weight[2], window_width = weight[3];
  return [=](void* const* a) {
    const auto* x = static_cast<const float*>(a[0]);
    auto* y = static_cast<float*>(a[1]);
#pragma omp parallel for collapse(2) schedule(static)
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < window_height; ++i) {
        const int64_t n = row / (out_height * out_width);
        const int64_t oh = row / out_width % out_height, ow = row % out_width;
        const int64_t h = oh * window.stride[0] - window.padding_before[0] + i * window.dilation[0];
        for (int64_t j = 0; j < window_width; ++j) {
          const int64_t w =
              ow * window.stride[1] - window.padding_before[1] + j * window.dilation[1];
          float* to = y + ((row * window_height + i) * window_width + j) * channels;
          if (h < 0 || h >= height || w < 0 || w >= width) {
            std::fill_n(to, channels, 0.0F);
          } else {
            std::copy_n(x + ((n * height + h) * width + w) * channels, channels, to);
          }
        }
      }
    }
  };
}

OwnKernel fill_kernel(const memory::desc& y, float value) {
  const size_t bytes = y.get_size();
  if (type_of(y) == Type::f32) {
    return [=](void* const* a) {
      std::fill_n(static_cast<float*>(a[0]), bytes / sizeof(float), value);
    };
  }
  return [=](void* const* a) {
    std::fill_n(static_cast<uint16_t*>(a[0]), bytes / sizeof(uint16_t), to_bf16(value));
  };
}

OwnKernel round_to_bf16_kernel(const memory::desc& x) {
  const auto count = static_cast<int64_t>(x.get_size() / sizeof(float));
  return [=](void* const* a) {
    const auto* from = static_cast<const float*>(a[0]);
    auto* to = static_cast<float*>(a[1]);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; ++i) to[i] = rounded_to_bf16(from[i]);
  };
}

std::vector<Span> adaptive_spans(int64_t in, int64_t out) {
  std::vector<Span> spans;
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * in / out;
    const int64_t end = ((i + 1) * in + out - 1) / out;
    spans.push_back({begin, end, end - begin});
  }
  return spans;
}

std::vector<Span> padded_spans(const PoolAttributes& a, size_t axis, int64_t in, int64_t out) {
  std::vector<Span> spans;
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * a.stride[axis] - a.padding[axis];
    const int64_t end = std::min(begin + a.kernel[axis], in + a.padding[2 + axis]);
    spans.push_back({std::max<int64_t>(begin, 0), std::min(end, in), end - begin});
  }
  return spans;
}

OwnKernel mean_kernel(int64_t planes, int64_t height, int64_t width, std::vector<Span> rows,
                      std::vector<Span> columns) {
  return [=](void* const* a) {
    const auto* x = static_cast<const float*>(a[0]);
    auto* y = static_cast<float*>(a[1]);
#pragma omp parallel for schedule(static)
    for (int64_t plane = 0; plane < planes; ++plane) {
      float* to = y + plane * static_cast<int64_t>(rows.size() * columns.size());
      for (const Span& row : rows) {
        for (const Span& column : columns) {
          float sum = 0;
          for (int64_t r = row.begin; r < row.end; ++r) {
            for (int64_t c = column.begin; c < column.end; ++c) {
              sum += x[(plane * height + r) * width + c];
            }
          }
          *to++ = sum / static_cast<float>(row.divisor * column.divisor);
        }
      }
    }
  };
}

}  // namespace fpcls
