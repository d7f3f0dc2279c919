#pragma once

#include <string>
#include <utility>
#include <vector>

#include "compress/picture_selection.h"
#include "report/document.h"
#include "run/calibration_pool.h"
#include "run/calibration_survey.h"

/// What vouches for a choice of pictures: what was left out, how well the chosen ones stand for the
/// pool, and the same figures for sets drawn at random within the same groups.
namespace fpcls {

/// Names and values, as the calibration file keeps them. Figures of the choice have their means
/// over ten random sets beside them as "random_NAME", and those' spread as "random_NAME_deviation";
/// then come "pool of GROUP" (without foreign ones), "chosen of GROUP", "foreign of GROUP" and
/// "range of LAYER".
using Certificate = std::vector<std::pair<std::string, double>>;

/// `options` are those of the selection.
Certificate certify(const CalibrationPool& pool, const Survey& survey, const Selection& selection,
                    const SelectionOptions& options, const std::vector<std::string>& layers);

/// What the user should know of the choice, one sentence each.
std::vector<std::string> choice_remarks(const Certificate& certificate,
                                        const SelectionOptions& options);

/// For people; with `flat` one table of all names and values.
Document certificate_document(const Certificate& certificate, bool flat);

}  // namespace fpcls
