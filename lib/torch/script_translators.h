#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "torch/script_call.h"

/// What each of libtorch's operators is in a graph, by its name without the underscore of those
/// that work in place. Internal to `translate`.
namespace fpcls {

using Translator = std::function<ScriptValue(const ScriptCall&)>;
using Translators = std::vector<std::pair<std::string, Translator>>;

/// Convolutions, linear layers, norms, pools: what has weights or windows.
Translators layer_translators();
/// Activations and arithmetic, of tensors with one another and with constants.
Translators arithmetic_translators();
/// Means, sums and maxima over axes.
Translators reduction_translators();
/// What moves numbers: views, parts, joins, borders.
Translators layout_translators();

using Weights = std::map<std::string, Tensor>;

/// Adds a weight unless it is undefined.
void add_weight(Weights& weights, const char* key, const at::Tensor& tensor);

/// x * scale + shift for constants that broadcast with `x`; undefined ones are left out.
struct AffineConstants {
  at::Tensor scale, shift;
  std::string path;      ///< of the weight that they come from, if any
  bool learned = false;  ///< whether that is a parameter
};
ScriptValue affine(const ScriptCall& call, const ScriptValue& x, const AffineConstants& constants);

/// x * scale + shift for two numbers.
ScriptValue scaled(const ScriptCall& call, const ScriptValue& x, double scale, double shift = 0);

/// Sum or product, broadcast.
ScriptValue combined(const ScriptCall& call, Op op, const ScriptValue& a, const ScriptValue& b);

/// Mean (Op::avg_pool) or maximum (Op::max_pool) over `axes`, ascending.
ScriptValue reduced(const ScriptCall& call, const ScriptValue& x, const std::vector<int64_t>& axes,
                    bool keep, Op op);

}  // namespace fpcls
