#include "graph/tensor.h"

#include <fmt/ranges.h>

namespace fpcls {

int64_t element_bytes(DType dtype) {
  switch (dtype) {
    case DType::i8:
    case DType::u8:
      return 1;
    case DType::bf16:
      return 2;
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::i64:
      return 8;
  }
  FPCLS_CHECK(false);
  return 0;
}

int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

int64_t checked_element_count(const Shape& shape, const std::string& where) {
  int64_t count = 1;
  for (const int64_t extent : shape) {
    if (extent < 1 || extent > kMaxElements / count) {
      fail("{}: has shape {}, expected extents of 1 or more and at most {} elements", where,
           shape_text(shape), kMaxElements);
    }
    count *= extent;
  }
  return count;
}

std::string shape_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

Tensor::Tensor(DType dtype, Shape shape, std::shared_ptr<const void> storage)
    : dtype_(dtype), shape_(std::move(shape)), storage_(std::move(storage)) {
  FPCLS_CHECK(storage_ != nullptr);
}

}  // namespace fpcls
