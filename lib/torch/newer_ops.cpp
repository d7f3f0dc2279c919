#include <torch/csrc/jit/runtime/custom_operator.h>
#include <torch/version.h>

#include "base/error.h"

// Files that a newer PyTorch wrote name operators that an older libtorch doesn't have; it would
// refuse the whole file. Importing only needs their names and arguments, so they are declared here,
// and never run.
namespace fpcls {
namespace {

#if TORCH_VERSION_MAJOR < 2
void refuse_to_run(torch::jit::Stack&) { fail("is newer than this libtorch and can't be run"); }

const torch::jit::RegisterOperators kNewer({torch::jit::Operator(
    "aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? "
    "attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool "
    "enable_gqa=False) -> Tensor",
    refuse_to_run, c10::AliasAnalysisKind::FROM_SCHEMA)});
#endif

}  // namespace
}  // namespace fpcls
