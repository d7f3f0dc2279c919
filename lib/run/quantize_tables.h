#pragma once

#include <string>
#include <vector>

#include "report/document.h"
#include "run/quantize.h"

namespace fpcls {

/// Size, time, buckets and shifts of the model before and after, on labelled pictures.
Table validation_table(const QuantizeResult& result);

/// Pictures by their bucket before (rows) and after: those whose label stayed, and, where there are
/// any, those whose label flipped.
/// By how much a bucket's share changed, -1..1: 95 %, exact, from pairs.
Interval shift_interval(const ScoreMigration& migration, size_t bucket);

std::vector<Table> migration_tables(const ScoreMigration& migration);

/// The pairs of layers whose channels were scaled against each other.
Table equalized_table(const std::vector<EqualizedPair>& pairs);

/// How many layers the trial restored, to what, and the last of them: "2 bf16: … conv1"; "-".
std::string restored_text(const ControlTrial& trial);

/// The models that --max-shift made.
Table trial_table(const SearchResult& search);

}  // namespace fpcls
