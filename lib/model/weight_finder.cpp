#include "model/weight_finder.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "graph/bf16.h"

namespace fpcls {
namespace {

constexpr int64_t kMaxChannels = 1 << 16;

void append(std::string& text, const char* what, const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  if (names.empty()) return;
  if (!text.empty()) text += "; ";
  const auto shown = static_cast<std::ptrdiff_t>(std::min(names.size(), kShown));
  text += fmt::format(
      "{} {} ({}{})", names.size(), what,
      one_line(fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "))),
      names.size() > kShown ? ", …" : "");
}

/// A counter that only training with a cumulative average reads.
bool is_counter(const std::string& name) {
  const std::string_view counter = ".num_batches_tracked";
  return name.size() > counter.size() &&
         name.compare(name.size() - counter.size(), counter.size(), counter) == 0;
}

}  // namespace

Tensor WeightFinder::find(const std::string& name, const Shape& shape) {
  asked_.insert(name);
  const auto found = weights_.find(name);
  if (found == weights_.end()) {
    missing_.push_back(name);
    return {};
  }
  return checked(name, found->second, found->second.shape() == shape, shape_text(shape));
}

Tensor WeightFinder::find_of_rank(const std::string& name, size_t rank) {
  asked_.insert(name);
  const auto found = weights_.find(name);
  if (found == weights_.end()) {
    missing_.push_back(name);
    return {};
  }
  const Shape& shape = found->second.shape();
  const bool fits = shape.size() == rank && std::all_of(shape.begin(), shape.end(), [](int64_t e) {
                      return e >= 1 && e <= kMaxChannels;
                    });
  return checked(name, found->second, fits, fmt::format("of {} axes", rank));
}

Tensor WeightFinder::checked(const std::string& name, const Tensor& tensor, bool fits,
                             const std::string& expected) {
  const bool floating = tensor.dtype() == DType::f32 || tensor.dtype() == DType::bf16;
  if (floating && fits) return as_f32(tensor);
  misshapen_.push_back(fmt::format("{} is {} {}, expected f32 {}", name, enum_name(tensor.dtype()),
                                   shape_text(tensor.shape()), expected));
  return {};
}

int64_t WeightFinder::outputs_of(const std::string& name, size_t rank,
                                 const std::string& architecture, const std::string& where) const {
  const auto found = weights_.find(name);
  if (found == weights_.end() || found->second.shape().size() != rank ||
      found->second.shape()[0] < 1 || found->second.shape()[0] > kMaxChannels) {
    fail(
        "{}: the weights aren't those of {}: {} of {} axes is missing; choose another "
        "--architecture",
        where, architecture, quoted(name), rank);
  }
  return found->second.shape()[0];
}

void WeightFinder::check(const std::string& architecture, const std::string& where) const {
  std::vector<std::string> unexpected;
  for (const auto& [name, tensor] : weights_) {
    if (!is_counter(name) && asked_.count(name) == 0) unexpected.push_back(name);
  }
  if (missing_.empty() && misshapen_.empty() && unexpected.empty()) return;
  std::string complaint;
  append(complaint, "missing", missing_);
  append(complaint, "unexpected", unexpected);
  append(complaint, "of another shape", misshapen_);
  fail("{}: the weights aren't those of {}: {}; choose another --architecture", where, architecture,
       complaint);
}

}  // namespace fpcls
