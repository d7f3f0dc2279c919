#pragma once

#include <ATen/ATen.h>
#include <torch/version.h>

/// The few places where the libtorch versions that fpcls builds with (1.13 and 2.13) differ.
namespace fpcls {

#if TORCH_VERSION_MAJOR >= 2
constexpr bool kTorch2 = true;
#else
constexpr bool kTorch2 = false;
#endif

}  // namespace fpcls
