#pragma once

#include <vector>

#include "cascade/cascade.h"
#include "run/cascade_options.h"
#include "run/common_options.h"
#include "run/load_model.h"

namespace fpcls {

/// A cascade whose stages can't run yet, and their models.
struct LoadedCascade {
  Cascade cascade;
  std::vector<LoadedModel> models;
};

/// Loads the models of a cascade. Throws Error where there is none, where names repeat, or where a
/// model can't be what its stage says.
LoadedCascade load_cascade(const CascadeSpec& spec);

/// Makes each stage ready to run on `threads` threads a call.
Cascade make_ready(LoadedCascade loaded, const RuntimeOptions& runtime, int threads, bool quiet);

/// All labels that the cascade can give, in stage order, `otherwise` last.
std::vector<std::string> cascade_labels(const Cascade& cascade);

}  // namespace fpcls
