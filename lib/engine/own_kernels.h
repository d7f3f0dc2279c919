#pragma once

#include "engine/plan.h"

/// Loops of ours, for what oneDNN has no quick kernel for.
namespace fpcls {

/// Whether `gate` is one number for each picture and channel of `x`, as squeeze-and-excitation
/// multiplies it.
bool is_channel_gate(const Shape& x, const Shape& gate);

/// Whether `gate_kernel` knows the layout.
bool channel_layout(const memory::desc& desc);

/// y = x * gate; arguments x, gate (row-major {N, C}, of x's type), y (of x's layout, may be x).
OwnKernel gate_kernel(const memory::desc& x);

/// A part along one axis, copied; arguments x (row-major, of shape `in`), y; numbers of
/// `number_bytes`.
OwnKernel slice_kernel(const Shape& in, const SliceAttributes& slice, int64_t number_bytes);

/// What each window of a convolution covers, 0 in the padding: arguments x, f32 nhwc of shape `in`,
/// and y, f32 {N x OH x OW, kh, kw, I}. `out` is the convolution's shape {N, O, OH, OW},
/// `weight` its weights' {O, I, kh, kw}.
OwnKernel patches_kernel(const Shape& in, const Shape& out, const Window& window,
                         const Shape& weight);

/// Every number of y = value; f32 or bf16.
OwnKernel fill_kernel(const memory::desc& y, float value);

/// y = x rounded to bf16, as f32; arguments x, y of the layout `x`, f32.
OwnKernel round_to_bf16_kernel(const memory::desc& x);

/// One window along one axis: what of the data it covers, and by how much its sum is divided.
struct Span {
  int64_t begin = 0, end = 0, divisor = 1;
};

/// Adaptive pooling's windows, which may differ in size by one, as PyTorch cuts them.
std::vector<Span> adaptive_spans(int64_t in, int64_t out);

/// A sliding average's windows that count the padding which they cover.
std::vector<Span> padded_spans(const PoolAttributes& attributes, size_t axis, int64_t in,
                               int64_t out);

/// The mean over any windows; arguments x, y: f32, row-major, {N, C, H, W}; `planes` is N x C.
OwnKernel mean_kernel(int64_t planes, int64_t height, int64_t width, std::vector<Span> rows,
                      std::vector<Span> columns);

}  // namespace fpcls
