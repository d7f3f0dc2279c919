#pragma once

#include <ATen/ATen.h>

#include <exception>
#include <string>
#include <utility>

#include "base/error.h"
#include "exec/executor.h"
#include "graph/tensor.h"

/// Between fpcls and libtorch: tensors, devices, threads and exceptions.
namespace fpcls {

/// The same numbers for libtorch, sharing `tensor`'s memory: for reading only.
at::Tensor to_torch(const Tensor& tensor);

/// The numbers of `tensor` as f32 in row-major order, sharing its memory where it has that form.
Tensor from_torch(const at::Tensor& tensor);

inline Shape shape_of(const at::Tensor& tensor) { return tensor.sizes().vec(); }

/// "cpu", "cuda" or "cuda:N". Throws Error where the name or the device doesn't exist.
c10::Device find_device(const std::string& name);

/// From here on, what this thread computes with libtorch runs on exactly `count` threads, with
/// denormal numbers as zero.
void use_threads(int count);

/// A normalised, channels-last f32 {N, 3, H, W} of the pictures in `batch`, which must have the
/// height and width of `input_shape`, {1, 3, H, W}.
at::Tensor to_input(const PixelBatch& batch, const Preprocessing& preprocessing,
                    const Shape& input_shape);

/// What an exception out of libtorch says: its first line with text, without the stack.
std::string explain(const std::exception& exception);

/// Calls `work`; an exception of libtorch's becomes an Error that begins with `where()`.
template <class Where, class Work>
auto guarded(const Where& where, Work&& work) -> decltype(work()) {
  try {
    return std::forward<Work>(work)();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& exception) {
    fail("{}: {}", where(), explain(exception));
  }
}

}  // namespace fpcls
