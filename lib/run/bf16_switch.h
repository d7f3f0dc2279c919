#pragma once

#include <string_view>
#include <utility>

#include "base/enum_names.h"
#include "exec/backend.h"
#include "exec/executor.h"

/// Whether to multiply in bf16, where results needn't be those of f32: answers of a teacher, ranges
/// of layers.
namespace fpcls {

enum class Switch { automatic, on, off };

template <>
struct EnumNames<Switch> {
  static constexpr std::pair<Switch, std::string_view> entries[] = {
      {Switch::automatic, "auto"}, {Switch::on, "on"}, {Switch::off, "off"}};
};

/// In what the executor `kind`, engine or torch, is to compute: bf16, unless it is off, in the
/// engine on a processor that multiplies it; else f32. Who asked for it in vain must be told.
FloatType float_type_of(Switch bf16, ExecutorKind kind);

}  // namespace fpcls
