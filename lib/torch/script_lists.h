#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "torch/script_value.h"

/// Operations on lists and tuples of a TorchScript program, whose items may be symbols.
namespace fpcls {

/// The result of `op_name` for `inputs`, of which the first is a list or tuple; nothing where it
/// isn't, or the operation is another. Lists are changed in place, as in Python. `refuse` ends the
/// import.
std::optional<ScriptValue> apply_to_list(const std::string& op_name,
                                         const std::vector<ScriptValue>& inputs,
                                         const std::function<void(const std::string&)>& refuse);

}  // namespace fpcls
