#include "graph/bf16.h"

#include <memory>
#include <utility>
#include <vector>

namespace fpcls {

Tensor as_f32(const Tensor& tensor) {
  if (tensor.dtype() == DType::f32) return tensor;
  FPCLS_CHECK(tensor.dtype() == DType::bf16);
  std::vector<float> values(static_cast<size_t>(tensor.count()));
  const char* from = tensor.bytes().data();  // which need not be aligned
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t bits = 0;
    std::memcpy(&bits, from + i * sizeof bits, sizeof bits);
    values[i] = from_bf16(bits);
  }
  return Tensor::from(tensor.shape(), std::move(values));
}

Tensor as_bf16(const Tensor& tensor) {
  const float* values = tensor.data<float>();
  auto bits = std::make_shared<std::vector<uint16_t>>(static_cast<size_t>(tensor.count()));
  for (size_t i = 0; i < bits->size(); ++i) (*bits)[i] = to_bf16(values[i]);
  const void* data = bits->data();
  return Tensor(DType::bf16, tensor.shape(), std::shared_ptr<const void>(std::move(bits), data));
}

}  // namespace fpcls
