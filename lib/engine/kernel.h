#pragma once

#include <dnnl.hpp>
#include <map>
#include <string>
#include <vector>

#include "graph/node.h"

/// oneDNN's primitives as the engine uses them. oneDNN 2 and 3 create them differently; only
/// kernel.cpp knows. A failure inside oneDNN is an Error.
namespace fpcls {

using dnnl::memory;

/// The processor, as oneDNN calls it.
const dnnl::engine& cpu_engine();

/// A primitive ready to run, and the layouts it wants.
struct Kernel {
  dnnl::primitive primitive;
  memory::desc src, weights, dst, scratchpad;
  /// Factors that oneDNN 3 wants as arguments when it runs: DNNL_ARG_… and numbers.
  std::map<int, std::vector<float>> factors;
  std::string name;  ///< of the implementation, such as "jit:avx512_core"

  /// Whether it is one of oneDNN's plain loops, a hundred times slower than its generated code.
  bool is_reference() const;
};

/// One of oneDNN's functions of a single number.
struct Eltwise {
  dnnl::algorithm kind = dnnl::algorithm::eltwise_relu;
  float alpha = 0;
  float beta = 0;
};

/// The functions that, one after the other, make `node`'s op; none where it isn't an activation:
/// one that maps each number by itself.
std::vector<Eltwise> eltwise_of(const Node& node);

/// What is done to a kernel's result before it is stored.
struct Epilogue {
  /// Adds what stands in the result's place already: its integers, of type `sum_type`, times
  /// `sum_scale`.
  bool sum = false;
  Eltwise eltwise;  ///< where it isn't a sum
  float sum_scale = 1;
  memory::data_type sum_type = memory::data_type::undef;  ///< undef: the result's own
};

struct Window {
  memory::dims kernel, stride, dilation;  ///< dilation counts from 1; conv takes no `kernel`
  memory::dims padding_before, padding_after;
};

/// What a convolution of integers multiplies each output channel's sums by, {O}; empty where the
/// numbers are real. oneDNN 2 adds the bias before that, oneDNN 3 after.
using ChannelScales = std::vector<float>;
bool bias_before_scales();

/// Whether a convolution of integers packs half of each weight, rounded: as oneDNN does for signed
/// inputs where sums of two products of 8 bits don't fit 16 bits (without VNNI). Only even weights
/// are then exact.
bool halves_weights(const Kernel& kernel);

/// `weights` is {O, I, kh, kw} or {groups, O / groups, I / groups, kh, kw}; its layout, like those
/// of `src` and `dst`, may be left to oneDNN (`any`), which then says what it chose.
Kernel conv_kernel(const memory::desc& src, const memory::desc& weights, bool bias,
                   const memory::desc& dst, const Window& window,
                   const std::vector<Epilogue>& epilogue, const ChannelScales& scales = {});

/// A fully connected layer: `src` is {N, I} or {N, C, H, W}, `weights` {O, I} or {O, C, H, W}.
Kernel linear_kernel(const memory::desc& src, const memory::desc& weights, bool bias,
                     const memory::desc& dst, const std::vector<Epilogue>& epilogue);

/// {B, M, K} times {B, K, P}.
Kernel matmul_kernel(const memory::desc& src, const memory::desc& weights, const memory::desc& dst);

Kernel pool_kernel(dnnl::algorithm algorithm, const memory::desc& src, const memory::desc& dst,
                   const Window& window);

/// In place where src and dst are the same memory.
Kernel eltwise_kernel(const Eltwise& eltwise, const memory::desc& desc);

/// algorithm is binary_add or binary_mul; `other` may have extents of 1 where `src` has not.
Kernel binary_kernel(dnnl::algorithm algorithm, const memory::desc& src, const memory::desc& other,
                     const memory::desc& dst, const std::vector<Epilogue>& epilogue);

/// y = x * scale + shift, both {C}, then ReLU if asked: batch norm with mean 0 and variance 1.
Kernel channel_affine_kernel(const memory::desc& desc, bool relu);

/// Over the last axis, with scale and shift.
Kernel layer_norm_kernel(const memory::desc& desc, float epsilon);

Kernel softmax_kernel(const memory::desc& src, int axis);

Kernel concat_kernel(int axis, const std::vector<memory::desc>& sources);

/// `factor`: what every number is multiplied by on the way.
Kernel reorder_kernel(const memory::desc& src, const memory::desc& dst, float factor = 1);

memory::dims dims_of(const memory::desc& desc);
memory::data_type type_of(const memory::desc& desc);
bool is_plain(const memory::desc& desc);

/// Row-major.
memory::desc plain_desc(const Shape& shape, memory::data_type type);
/// Layout left to oneDNN.
memory::desc any_desc(const Shape& shape, memory::data_type type);

std::string engine_version();
std::string engine_isa();
/// Whether products of bf16 are computed as such, not widened first.
bool multiplies_bf16();

}  // namespace fpcls
