#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "base/error.h"

/// A tensor is a value: a type, a shape and read-only numbers in row-major order, shared between
/// copies. They live in a buffer of the tensor's own or inside a mapped file that the tensor keeps
/// open. No strides, no views, no arithmetic.
namespace fpcls {

enum class DType { f32, bf16, i8, u8, i32, i64 };

template <>
struct EnumNames<DType> {
  static constexpr std::pair<DType, std::string_view> entries[] = {
      {DType::f32, "f32"}, {DType::bf16, "bf16"}, {DType::i8, "i8"},
      {DType::u8, "u8"},   {DType::i32, "i32"},   {DType::i64, "i64"}};
};

int64_t element_bytes(DType dtype);

/// Extents, outermost first. Images are {N, C, H, W}.
using Shape = std::vector<int64_t>;

/// Number of elements; 1 for a scalar's empty shape.
int64_t element_count(const Shape& shape);
/// Most elements that a tensor may have; more is a lie or a mistake.
constexpr int64_t kMaxElements = int64_t{1} << 31;
/// The same count for a shape that nobody has checked yet: throws Error (beginning with `where`)
/// where an extent is below 1 or the product above `kMaxElements`.
int64_t checked_element_count(const Shape& shape, const std::string& where);
/// "[64, 3, 7, 7]".
std::string shape_text(const Shape& shape);

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<int8_t> {
  static constexpr DType value = DType::i8;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::i64;
};

class Tensor {
 public:
  /// An absent tensor: no elements, and `empty()`.
  Tensor() = default;

  /// Shares `storage`, which points to the first element and keeps the memory alive.
  Tensor(DType dtype, Shape shape, std::shared_ptr<const void> storage);

  /// Takes over `values`, of which there must be as many as `shape` holds.
  template <class T>
  static Tensor from(Shape shape, std::vector<T> values) {
    FPCLS_CHECK(static_cast<int64_t>(values.size()) == element_count(shape));
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    return Tensor(DTypeOf<T>::value, std::move(shape),
                  std::shared_ptr<const void>(owner, owner->data()));
  }

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t count() const { return empty() ? 0 : element_count(shape_); }
  int64_t size_bytes() const { return count() * element_bytes(dtype_); }
  bool empty() const { return storage_ == nullptr; }

  /// The elements, aligned for `T` wherever fpcls made the tensor. `T` must be the tensor's type.
  template <class T>
  const T* data() const {
    FPCLS_CHECK(DTypeOf<T>::value == dtype_);
    return static_cast<const T*>(storage_.get());
  }
  std::string_view bytes() const {
    return {static_cast<const char*>(storage_.get()), static_cast<size_t>(size_bytes())};
  }

 private:
  DType dtype_ = DType::f32;
  Shape shape_;
  std::shared_ptr<const void> storage_;
};

}  // namespace fpcls
