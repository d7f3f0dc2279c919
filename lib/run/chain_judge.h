#pragma once

#include <string>

#include "run/compress.h"

/// Says what each step of a chain costs and what it is worth. Internal to this folder.
namespace fpcls {

/// Throws Error where the pictures of --test aren't there, or their labels aren't the model's.
void check_test_pictures(const CompressOptions& options);

/// Fills in everything but name and file of `result.steps`. What each step said of the pictures
/// is kept in the folder "judged/NAME" beside the models, for reports and gates.
void judge_chain(const CompressOptions& options, const std::string& program,
                 CompressResult& result);

}  // namespace fpcls
