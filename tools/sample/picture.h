#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "base/range.h"

/// One picture of the set, made from the set's settings and the picture's number alone: no picture
/// depends on another, on the order of drawing or on how many are wanted.
namespace fpcls::sample {

enum class Category { wireframe, satellite, photo, simple, complex, garden, other };
constexpr int kCategories = 7;

enum class Mix { balanced, production };

struct SetOptions {
  uint64_t seed = 1;
  std::vector<Category> categories;  ///< at least one
  Mix mix = Mix::balanced;
  Range<int> size_px{300, 900};  ///< of the longest side
  int months = 1;                ///< fashions drift from the first to the last
};

struct Picture {
  Category category;
  int month;          ///< 0 is the first
  std::string bytes;  ///< the file
  std::string_view extension;
};

Picture make_picture(const SetOptions& options, int64_t number);

}  // namespace fpcls::sample

template <>
struct fpcls::EnumNames<fpcls::sample::Category> {
  using Category = fpcls::sample::Category;
  static constexpr std::pair<Category, std::string_view> entries[] = {
      {Category::wireframe, "wireframe"}, {Category::satellite, "satellite"},
      {Category::photo, "photo"},         {Category::simple, "simple"},
      {Category::complex, "complex"},     {Category::garden, "garden"},
      {Category::other, "other"}};
};

template <>
struct fpcls::EnumNames<fpcls::sample::Mix> {
  using Mix = fpcls::sample::Mix;
  static constexpr std::pair<Mix, std::string_view> entries[] = {{Mix::balanced, "balanced"},
                                                                 {Mix::production, "production"}};
};
