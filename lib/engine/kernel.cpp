#include "engine/kernel.h"

#include <utility>

#include "base/error.h"

namespace fpcls {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;

constexpr prop_kind kInference = prop_kind::forward_inference;

void append_eltwise(dnnl::post_ops& ops, const Eltwise& e) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(e.kind, e.alpha, e.beta);
#else
  ops.append_eltwise(1.0F, e.kind, e.alpha, e.beta);
#endif
}

dnnl::primitive_attr attributes(const std::vector<Epilogue>& epilogue = {}) {
  dnnl::post_ops ops;
  for (const Epilogue& step : epilogue) {
    if (step.sum) {
#if DNNL_VERSION_MAJOR >= 3
      ops.append_sum(step.sum_scale, 0, step.sum_type);
#else
      ops.append_sum(step.sum_scale, step.sum_type);
#endif
    } else {
      append_eltwise(ops, step.eltwise);
    }
  }
  dnnl::primitive_attr attr;
  attr.set_post_ops(ops);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

/// oneDNN 2 describes an operation first and asks for a kernel after; oneDNN 3 does it in one.
template <class Primitive, class... Args>
typename Primitive::primitive_desc describe(const dnnl::primitive_attr& attr, Args&&... args) {
#if DNNL_VERSION_MAJOR >= 3
  return typename Primitive::primitive_desc(cpu_engine(), std::forward<Args>(args)..., attr);
#else
  return typename Primitive::primitive_desc(typename Primitive::desc(std::forward<Args>(args)...),
                                            attr, cpu_engine());
#endif
}

template <class Make>
Kernel guarded(const char* what, const Make& make) {
  try {
    return make();
  } catch (const dnnl::error& error) {
    fail("oneDNN {}: cannot make a {} kernel: {}", engine_version(), what, error.message);
  }
}

template <class Primitive, class Description>
Kernel finish(const Description& pd) {
  Kernel kernel;
  kernel.primitive = Primitive(pd);
  kernel.dst = pd.dst_desc();
  kernel.scratchpad = pd.scratchpad_desc();
  kernel.name = pd.impl_info_str();
  return kernel;
}

memory::dims less_one(memory::dims dims) {
  for (auto& value : dims) --value;
  return dims;
}

memory::desc bias_desc(const memory::desc& weights, bool grouped) {
  const memory::dims dims = dims_of(weights);
  return {{grouped ? dims[0] * dims[1] : dims[0]}, memory::data_type::f32, memory::format_tag::a};
}

}  // namespace

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

bool Kernel::is_reference() const { return name.find("ref") != std::string::npos; }

std::vector<Eltwise> eltwise_of(const Node& node) {
  switch (node.op) {
    case Op::relu:
      return {{algorithm::eltwise_relu, 0, 0}};
    case Op::leaky_relu:
      return {{algorithm::eltwise_relu,
               static_cast<float>(std::get<LeakyAttributes>(node.attributes).slope), 0}};
    case Op::relu6:
      return {{algorithm::eltwise_clip, 0, 6}};
    case Op::hardswish:
      return {{algorithm::eltwise_hardswish, 1.0F / 6, 0.5F}};
    case Op::hardsigmoid:
      return {{algorithm::eltwise_linear, 1.0F / 6, 0.5F}, {algorithm::eltwise_clip, 0, 1}};
    case Op::sigmoid:
      return {{algorithm::eltwise_logistic, 0, 0}};
    case Op::tanh:
      return {{algorithm::eltwise_tanh, 0, 0}};
    case Op::silu:
      return {{algorithm::eltwise_swish, 1, 0}};
    case Op::gelu:
      return {{algorithm::eltwise_gelu_erf, 0, 0}};
    case Op::pow:
      return {{algorithm::eltwise_pow, 1,
               static_cast<float>(std::get<PowerAttributes>(node.attributes).exponent)}};
    default:
      return {};
  }
}

bool bias_before_scales() { return DNNL_VERSION_MAJOR < 3; }

bool halves_weights(const Kernel& kernel) {
#if DNNL_VERSION_MAJOR >= 3
  const std::string isa = engine_isa();
  const bool saturates = isa == "avx512" || isa == "avx2" || isa == "avx" || isa == "sse4.1";
  return saturates && type_of(kernel.src) == memory::data_type::s8 && !kernel.is_reference();
#else
  const auto& extra = kernel.weights.data.extra;
  return (extra.flags & dnnl_memory_extra_flag_scale_adjust) != 0 && extra.scale_adjust == 0.5F;
#endif
}

Kernel conv_kernel(const memory::desc& src, const memory::desc& weights, bool bias,
                   const memory::desc& dst, const Window& window,
                   const std::vector<Epilogue>& epilogue, const ChannelScales& scales) {
  return guarded("convolution", [&] {
    using Conv = dnnl::convolution_forward;
    const bool grouped = dims_of(weights).size() == 5;
    const memory::desc bias_layout = bias ? bias_desc(weights, grouped) : memory::desc();
    dnnl::primitive_attr attr = attributes(epilogue);
    std::map<int, std::vector<float>> factors;
    if (!scales.empty()) {
#if DNNL_VERSION_MAJOR >= 3
      attr.set_scales_mask(DNNL_ARG_WEIGHTS, grouped ? 3 : 1);
      factors[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = scales;
#else
      attr.set_output_scales(2, scales);
#endif
    }
    const auto pd = describe<Conv>(attr, kInference, algorithm::convolution_direct, src, weights,
                                   bias_layout, dst, window.stride, less_one(window.dilation),
                                   window.padding_before, window.padding_after);
    Kernel kernel = finish<Conv>(pd);
    kernel.src = pd.src_desc();
    kernel.weights = pd.weights_desc();
    kernel.factors = std::move(factors);
    return kernel;
  });
}

Kernel linear_kernel(const memory::desc& src, const memory::desc& weights, bool bias,
                     const memory::desc& dst, const std::vector<Epilogue>& epilogue) {
  return guarded("linear", [&] {
    using Linear = dnnl::inner_product_forward;
    const memory::desc bias_layout = bias ? bias_desc(weights, false) : memory::desc();
    const auto pd =
        describe<Linear>(attributes(epilogue), kInference, src, weights, bias_layout, dst);
    Kernel kernel = finish<Linear>(pd);
    kernel.src = pd.src_desc();
    kernel.weights = pd.weights_desc();
    return kernel;
  });
}

Kernel matmul_kernel(const memory::desc& src, const memory::desc& weights,
                     const memory::desc& dst) {
  return guarded("matmul", [&] {
    return finish<dnnl::matmul>(describe<dnnl::matmul>(attributes(), src, weights, dst));
  });
}

Kernel pool_kernel(algorithm algorithm, const memory::desc& src, const memory::desc& dst,
                   const Window& window) {
  return guarded("pooling", [&] {
    const memory::dims dilation = less_one(window.dilation);
#if DNNL_VERSION_MAJOR >= 3
    using Pool = dnnl::pooling_forward;
#else
    using Pool = dnnl::pooling_v2_forward;
    using Undilated = dnnl::pooling_forward;
    if (dilation == memory::dims{0, 0}) {  // all that there is for integers
      const auto pd =
          describe<Undilated>(attributes(), kInference, algorithm, src, dst, window.stride,
                              window.kernel, window.padding_before, window.padding_after);
      Kernel kernel = finish<Undilated>(pd);
      kernel.src = pd.src_desc();
      return kernel;
    }
#endif
    const auto pd =
        describe<Pool>(attributes(), kInference, algorithm, src, dst, window.stride, window.kernel,
                       dilation, window.padding_before, window.padding_after);
    Kernel kernel = finish<Pool>(pd);
    kernel.src = pd.src_desc();
    return kernel;
  });
}

Kernel eltwise_kernel(const Eltwise& e, const memory::desc& desc) {
  return guarded("activation", [&] {
    using Activation = dnnl::eltwise_forward;
#if DNNL_VERSION_MAJOR >= 3
    const auto pd =
        describe<Activation>(attributes(), kInference, e.kind, desc, desc, e.alpha, e.beta);
#else
    const auto pd = describe<Activation>(attributes(), kInference, e.kind, desc, e.alpha, e.beta);
#endif
    return finish<Activation>(pd);
  });
}

Kernel binary_kernel(algorithm algorithm, const memory::desc& src, const memory::desc& other,
                     const memory::desc& dst, const std::vector<Epilogue>& epilogue) {
  return guarded("binary", [&] {
    using Binary = dnnl::binary;
    const auto pd = describe<Binary>(attributes(epilogue), algorithm, src, other, dst);
    Kernel kernel = finish<Binary>(pd);
    kernel.src = pd.src_desc(0);
    return kernel;
  });
}

Kernel channel_affine_kernel(const memory::desc& desc, bool relu) {
  return guarded("batch norm", [&] {
    using Norm = dnnl::batch_normalization_forward;
    using Flags = dnnl::normalization_flags;
    Flags flags = Flags::use_global_stats | Flags::use_scale | Flags::use_shift;
    if (relu) flags = flags | Flags::fuse_norm_relu;
#if DNNL_VERSION_MAJOR >= 3
    const auto pd = describe<Norm>(attributes(), kInference, desc, desc, 0.0F, flags);
#else
    const auto pd = describe<Norm>(attributes(), kInference, desc, 0.0F, flags);
#endif
    Kernel kernel = finish<Norm>(pd);
    kernel.src = pd.src_desc();
    return kernel;
  });
}

Kernel layer_norm_kernel(const memory::desc& desc, float epsilon) {
  return guarded("layer norm", [&] {
    using Norm = dnnl::layer_normalization_forward;
    using Flags = dnnl::normalization_flags;
    const Flags flags = Flags::use_scale | Flags::use_shift;
#if DNNL_VERSION_MAJOR >= 3
    const auto pd = describe<Norm>(attributes(), kInference, desc, desc, epsilon, flags);
#else
    const auto pd = describe<Norm>(attributes(), kInference, desc, epsilon, flags);
#endif
    Kernel kernel = finish<Norm>(pd);
    kernel.src = pd.src_desc();
    return kernel;
  });
}

Kernel softmax_kernel(const memory::desc& src, int axis) {
  return guarded("softmax", [&] {
#if DNNL_VERSION_MAJOR >= 3
    using Softmax = dnnl::softmax_forward;
#else
    using Softmax = dnnl::softmax_v2_forward;
#endif
    const auto pd =
        describe<Softmax>(attributes(), kInference, algorithm::softmax_accurate, src, src, axis);
    Kernel kernel = finish<Softmax>(pd);
    kernel.src = pd.src_desc();
    return kernel;
  });
}

Kernel concat_kernel(int axis, const std::vector<memory::desc>& sources) {
  return guarded("concat", [&] {
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::concat::primitive_desc pd(cpu_engine(), axis, sources, attributes());
#else
    const dnnl::concat::primitive_desc pd(axis, sources, cpu_engine(), attributes());
#endif
    return finish<dnnl::concat>(pd);
  });
}

Kernel reorder_kernel(const memory::desc& src, const memory::desc& dst, float factor) {
  return guarded("reorder", [&] {
    dnnl::primitive_attr attr = attributes();
    Kernel kernel;
    if (factor != 1) {
#if DNNL_VERSION_MAJOR >= 3
      attr.set_scales_mask(DNNL_ARG_SRC, 0);
      kernel.factors[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC] = {factor};
#else
      attr.set_output_scales(0, {factor});
#endif
    }
    const dnnl::reorder::primitive_desc pd(cpu_engine(), src, cpu_engine(), dst, attr);
    kernel.primitive = dnnl::reorder(pd);
    kernel.src = src;
    kernel.dst = dst;
    kernel.scratchpad = pd.scratchpad_desc();
    kernel.name = pd.impl_info_str();
    return kernel;
  });
}

memory::dims dims_of(const memory::desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_dims();
#else
  return desc.dims();
#endif
}

memory::data_type type_of(const memory::desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_data_type();
#else
  return desc.data_type();
#endif
}

memory::desc plain_desc(const Shape& shape, memory::data_type type) {
  memory::dims strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return {memory::dims(shape.begin(), shape.end()), type, strides};
}

memory::desc any_desc(const Shape& shape, memory::data_type type) {
  return {memory::dims(shape.begin(), shape.end()), type, memory::format_tag::any};
}

bool is_plain(const memory::desc& desc) {
  const memory::dims dims = dims_of(desc);
  return desc == plain_desc(Shape(dims.begin(), dims.end()), type_of(desc));
}

std::string engine_version() {
  const dnnl::version_t* v = dnnl::version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

bool multiplies_bf16() {
  // Each set of instructions has the bits of those that it contains.
  const auto all = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (all & wanted) == wanted;
}

std::string engine_isa() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "sse4.1";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_amx";
#if DNNL_VERSION_MAJOR < 3
    case dnnl::cpu_isa::avx512_mic:
    case dnnl::cpu_isa::avx512_mic_4ops:
      return "avx512";
#endif
    default:
      return "avx512_vnni";  // newer ones, which all have it
  }
}

}  // namespace fpcls
