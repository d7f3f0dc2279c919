#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/model_file.h"
#include "run/load_model.h"
#include "run/quantize.h"

/// The files of quantized models, and what they say of how they were made. Internal to this folder.
namespace fpcls {

/// With what `trial` chose, if it is one of several.
Metadata metadata_of(const LoadedModel& model, const QuantizeOptions& options,
                     const QuantizingPlan& plan, const std::string& isa,
                     const ControlTrial* trial);

/// For ControlPlan::unbeaten: writes each model that none before beats into the folder of
/// --unbeaten, and removes those that it beats. What it is given must outlive it.
std::function<void(const QuantizingResult&, const std::vector<ControlTrial>&)> unbeaten_writer(
    const LoadedModel& model, const QuantizeOptions& options, const QuantizingPlan& plan,
    const std::string& isa);

}  // namespace fpcls
