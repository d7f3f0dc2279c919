#pragma once

#include <string>
#include <vector>

#include "metrics/comparison.h"
#include "report/document.h"
#include "run/judge.h"

/// What compressed models are accepted on: of each stage and run the model's size, its time, its
/// buckets, and by how many points they shifted against the first run.
namespace fpcls {

/// One table a stage of the first run. `comparisons` hold each later run against the first. The
/// shifts' intervals are exact, 95 %, over pairs of answers to the same picture.
Section validation_section(const std::vector<std::string>& names, const std::vector<Judged>& runs,
                           const std::vector<Comparison>& comparisons);

/// Where the pictures of a stage's buckets went: those whose answer stayed, then, if any, those
/// whose answer flipped; none where no picture moved. `run` is put into captions and names.
std::vector<Table> migration_tables(const BucketComparison& bucket, const std::string& run);

}  // namespace fpcls
