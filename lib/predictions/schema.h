#pragma once

#include <string>

#include "predictions/prediction.h"
#include "predictions/sqlite.h"

/// The store's tables and how RunInfo lies in them. Internal to lib/predictions.
namespace fpcls {

/// Makes the tables and writes `run` into them, in one transaction.
void create_schema(sqlite::Database& database, const RunInfo& run);

/// Throws Error unless the database is a store of a version that this program reads.
void check_schema(sqlite::Database& database);

/// Replaces what is known of the run. Part of the caller's transaction.
void write_run(sqlite::Database& database, const RunInfo& run);
RunInfo read_run(sqlite::Database& database);

/// What keeps `now` from going on with the store of `then`, as a sentence; empty when nothing does.
std::string difference(const RunInfo& then, const RunInfo& now);

/// The same for the stages alone: names, labels, thresholds and models.
std::string stage_difference(const RunInfo& then, const RunInfo& now);

}  // namespace fpcls
