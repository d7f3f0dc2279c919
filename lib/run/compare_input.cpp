#include "run/compare_input.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>
#include <variant>

#include "base/error.h"
#include "base/progress.h"
#include "base/text.h"
#include "cascade/picture_source.h"
#include "exec/pixels.h"
#include "model/safetensors.h"
#include "run/picture_list.h"

namespace fpcls {
namespace {

/// What the reference implementation's own tests fill their input with: exact in every type.
constexpr const char* kUsualConstant = "0.46875";

using Sink = std::function<void(const Tensor&, const Tensor&)>;

std::optional<float> as_number(const std::string& text) {
  char* end = nullptr;
  const float value = std::strtof(text.c_str(), &end);
  if (text.empty() || *end != '\0') return std::nullopt;
  return value;
}

std::string constant_input(const CompareInput& what, float value, const Sink& sink) {
  if (!(std::abs(value) <= 1e6F)) fail("--input is {}, expected a number up to 1e6", value);
  const auto count = static_cast<size_t>(element_count(what.shape));
  const Tensor x = Tensor::from(what.shape, std::vector<float>(count, value));
  sink(x, x);
  return fmt::format("{}", value);
}

/// Pictures `first` … of `x`, sharing its memory.
Tensor part_of(const Tensor& x, int64_t first, int64_t count) {
  Shape shape = x.shape();
  shape[0] = count;
  const int64_t each = x.count() / x.shape()[0];
  auto owner = std::make_shared<Tensor>(x);
  const float* start = x.data<float>() + first * each;
  return {DType::f32, std::move(shape), std::shared_ptr<const void>(std::move(owner), start)};
}

std::string tensor_input(const CompareInput& what, const std::string& path, const Sink& sink) {
  const TensorMap tensors = read_safetensors(path).tensors;
  const auto found = tensors.find("x");
  if (found == tensors.end()) {
    fail("{}: has no tensor 'x'; --input wants x (f32 NCHW, normalised)", quoted(path));
  }
  const Tensor& x = found->second;
  Shape expected = what.shape;
  if (!x.shape().empty()) expected[0] = x.shape()[0];
  if (x.dtype() != DType::f32 || x.shape() != expected) {
    fail("{}: x is {} {}, expected f32 [N, {}] as the models read", quoted(path),
         enum_name(x.dtype()), shape_text(x.shape()),
         fmt::join(what.shape.begin() + 1, what.shape.end(), ", "));
  }
  const int64_t pictures = x.shape()[0];
  for (int64_t i = 0; i < pictures; i += what.batch) {
    const Tensor part = part_of(x, i, std::min<int64_t>(what.batch, pictures - i));
    sink(part, part);
  }
  return fmt::format("{} pictures of {}", with_thousands(pictures), to_utf8(path));
}

/// Pictures of a batch for one side.
class SideBatch {
 public:
  explicit SideBatch(const Preprocessing& p) : preprocessing_(p), table_(pixel_table(p)) {}

  void add(const PictureSource& source, const Image& image) {
    const int64_t pixels = int64_t{preprocessing_.height} * preprocessing_.width;
    std::vector<uint8_t> bytes(static_cast<size_t>(pixels) * 3);
    source.resize(image, preprocessing_, bytes.data());
    const size_t start = values_.size();
    values_.resize(start + bytes.size());
    for (size_t i = 0; i < static_cast<size_t>(pixels); ++i) {
      for (size_t c = 0; c < 3; ++c) {
        values_[start + c * static_cast<size_t>(pixels) + i] = table_[c][bytes[3 * i + c]];
      }
    }
    ++count_;
  }
  int64_t count() const { return count_; }
  Tensor take() {
    const Shape shape{std::exchange(count_, 0), 3, preprocessing_.height, preprocessing_.width};
    return Tensor::from(shape, std::exchange(values_, {}));
  }

 private:
  Preprocessing preprocessing_;
  PixelTable table_;
  std::vector<float> values_;
  int64_t count_ = 0;
};

std::string picture_input(const CompareInput& what, const Sink& sink) {
  InputOptions options;
  options.inputs = what.input;
  options.labels = LabelSource::none;
  const ImageList list = list_pictures(options, {}, AnyLabel::no, what.quiet);
  const auto source = picture_files(list);
  SideBatch first(what.first), second(what.second);
  const bool decoded_alike = what.first.decode == what.second.decode;
  int64_t good = 0;
  Progress progress("comparing", "pictures", list.size(), what.quiet);
  const auto flush = [&] {
    if (first.count() == 0) return;
    progress.advance(first.count());
    sink(first.take(), second.take());
  };
  for (int64_t row = 0; row < list.size(); ++row) {
    const auto bytes = source->read(source->entry(row));
    if (!std::holds_alternative<std::string>(bytes)) continue;
    const auto image = source->decode(std::get<std::string>(bytes), what.first);
    const auto other =
        decoded_alike ? image : source->decode(std::get<std::string>(bytes), what.second);
    if (!std::holds_alternative<Image>(image) || !std::holds_alternative<Image>(other)) continue;
    first.add(*source, std::get<Image>(image));
    second.add(*source, std::get<Image>(other));
    ++good;
    if (first.count() == what.batch) flush();
  }
  flush();
  if (good == 0) fail("--input: none of the {} pictures can be decoded", list.size());
  std::string text = fmt::format("{} pictures", with_thousands(good));
  if (good < list.size()) {
    text += fmt::format("; {} more can't be decoded", with_thousands(list.size() - good));
  }
  return text;
}

}  // namespace

std::string for_each_input(const CompareInput& what, const Sink& sink) {
  const std::vector<std::string>& given = what.input;
  const std::string only = given.empty() ? kUsualConstant : given[0];
  if (given.size() <= 1) {
    if (const auto value = as_number(only)) return constant_input(what, *value, sink);
    if (std::filesystem::path(only).extension() == ".safetensors") {
      return tensor_input(what, only, sink);
    }
  }
  return picture_input(what, sink);
}

}  // namespace fpcls
