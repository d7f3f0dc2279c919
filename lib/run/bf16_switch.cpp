#include "run/bf16_switch.h"

namespace fpcls {

FloatType float_type_of(Switch bf16, ExecutorKind kind) {
  if (kind != ExecutorKind::engine || bf16 == Switch::off) return FloatType::f32;
  const bool wanted = bf16 == Switch::on || engine_backend().bf16_is_fast();
  return wanted ? FloatType::bf16 : FloatType::f32;
}

}  // namespace fpcls
