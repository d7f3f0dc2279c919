#pragma once

#include "cascade/cascade.h"
#include "run/cascade_options.h"
#include "run/common_options.h"

namespace fpcls {

/// Loads the models of a cascade and makes them ready to run. Throws Error where there is none,
/// where names repeat, or where a model can't be what its stage says.
Cascade build_cascade(const CascadeSpec& spec, const RuntimeOptions& runtime);

/// All labels that the cascade can give, in stage order, `otherwise` last.
std::vector<std::string> cascade_labels(const Cascade& cascade);

}  // namespace fpcls
