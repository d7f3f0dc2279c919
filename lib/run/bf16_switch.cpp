#include "run/bf16_switch.h"

namespace fpcls {

FloatType float_type_of(Switch bf16, ExecutorKind kind) {
  if (kind != ExecutorKind::engine || bf16 == Switch::off) return FloatType::f32;
  return engine_backend().bf16_is_fast() ? FloatType::bf16 : FloatType::f32;
}

}  // namespace fpcls
