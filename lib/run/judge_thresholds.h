#pragma once

#include <string>
#include <vector>

#include "metrics/choose_thresholds.h"
#include "report/document.h"

/// `report --choose-thresholds`: thresholds for a wanted precision or recall.
namespace fpcls {

/// "precision=0.98" is for every stage, "wireframe.recall=0.95" for one, "funnel.precision=0.98"
/// for all together, and then stands alone. Anything else, or the same twice, is an Error.
Wishes parse_wishes(const std::vector<std::string>& texts);

/// Tables by name: thresholds (one row a stage, and one of all together).
Document thresholds_document(const ThresholdChoice& choice);
std::string thresholds_json(const ThresholdChoice& choice);

}  // namespace fpcls
