#pragma once

#include "report/document.h"
#include "run/quantize.h"

namespace fpcls {

/// Size, time, buckets and shifts of the model before and after, on labelled pictures.
Table validation_table(const QuantizeResult& result);

/// Pictures by their bucket before (rows) and after: those whose label stayed, and, where there are
/// any, those whose label flipped.
std::vector<Table> migration_tables(const ScoreMigration& migration);

/// The models that --max-shift made.
Table trial_table(const SearchResult& search);

}  // namespace fpcls
