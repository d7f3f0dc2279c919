#include "torch/convert.h"

#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/version.h>

#include <charconv>

#include "base/text.h"
#include "base/threads.h"
#include "exec/pixels.h"

namespace fpcls {
namespace {

at::ScalarType scalar_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return at::kFloat;
    case DType::bf16:
      return at::kBFloat16;
    case DType::i8:
      return at::kChar;
    case DType::u8:
      return at::kByte;
    case DType::i32:
      return at::kInt;
    case DType::i64:
      return at::kLong;
  }
  FPCLS_CHECK(false);
  return at::kFloat;
}

}  // namespace

at::Tensor to_torch(const Tensor& tensor) {
  FPCLS_CHECK(!tensor.empty());
  // libtorch knows no read-only tensors; the deleter keeps a copy of ours, and so the memory,
  // alive.
  void* data = const_cast<char*>(tensor.bytes().data());
  return at::from_blob(
      data, tensor.shape(), [tensor](void*) {}, at::TensorOptions(scalar_type(tensor.dtype())));
}

Tensor from_torch(const at::Tensor& tensor) {
  at::Tensor plain = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  const void* data = plain.data_ptr();
  auto owner = std::make_shared<at::Tensor>(std::move(plain));
  Shape shape = shape_of(*owner);
  return Tensor(DType::f32, std::move(shape), std::shared_ptr<const void>(owner, data));
}

c10::Device find_device(const std::string& name) {
  if (name == "cpu") return c10::Device(c10::kCPU);
  int index = 0;
  if (name != "cuda") {
    const char* end = name.data() + name.size();
    const bool cuda = name.rfind("cuda:", 0) == 0 && name.size() > 5;
    const auto [last, error] = std::from_chars(name.data() + (cuda ? 5 : 0), end, index);
    if (!cuda || error != std::errc() || last != end || index < 0) {
      fail("--device {}: there is no such device; use cpu, cuda or cuda:N", quoted(name));
    }
  }
  if (!at::hasCUDA()) {
    fail("--device {}: this libtorch ({}) is built without CUDA or finds no GPU; use --device cpu",
         quoted(name), TORCH_VERSION);
  }
  const int count = static_cast<int>(at::detail::getCUDAHooks().getNumGPUs());
  if (index >= count) fail("--device {}: there are {} GPUs here", quoted(name), count);
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

void use_threads(int count) {
  thread_local int current = 0;
  if (current == count) return;
  flush_denormals();
  // With OpenMP, which both libtorch builds use, this sets the number for the calling thread only.
  at::set_num_threads(count);
  current = count;
}

at::Tensor to_input(const PixelBatch& batch, const Preprocessing& preprocessing,
                    const Shape& input_shape) {
  check_pixels(batch, input_shape);
  at::Tensor x = at::empty({batch.count(), 3, batch.height, batch.width}, at::kFloat,
                           at::MemoryFormat::ChannelsLast);
  enter_pixels(pixel_table(preprocessing), batch.pixels.data(), x.numel() / 3,
               x.data_ptr<float>());
  return x;
}

std::string explain(const std::exception& exception) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&exception);
  const std::string text =
      torch_error != nullptr ? torch_error->what_without_backtrace() : exception.what();
  const size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string::npos) return "libtorch doesn't say why";
  return one_line(text.substr(begin, text.find('\n', begin) - begin));
}

}  // namespace fpcls
