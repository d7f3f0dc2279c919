#pragma once

#include <string>
#include <vector>

#include "images/image_list.h"
#include "run/common_options.h"

namespace fpcls {

enum class AnyLabel { no, yes };

/// Throws Error where no INPUT was given: known at once, before models are loaded.
void want_inputs(const InputOptions& options);

/// The pictures that the options name. `known_labels` are those that the models can give; with
/// `AnyLabel::yes` every folder and manifest label counts. What is left out is said on stderr.
ImageList list_pictures(const InputOptions& options, std::vector<std::string> known_labels,
                        AnyLabel any_label = AnyLabel::no, bool quiet = false);

}  // namespace fpcls
