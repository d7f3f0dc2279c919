#include "run/validation_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"

namespace fpcls {
namespace {

constexpr double kRisk = 0.025;  // at each end

std::string bound_text(size_t bound) { return fmt::format("≥{:.2f}", kBucketBounds[bound]); }

std::string bin_name(size_t bin) {
  return bin == 0 ? fmt::format("<{:.2f}", kBucketBounds[0]) : bound_text(bin - 1);
}

template <class Item>
const Item* of_stage(const std::vector<Item>& items, std::string Item::*name,
                     const std::string& stage) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const Item& i) { return i.*name == stage; });
  return found == items.end() ? nullptr : &*found;
}

/// Absent where the file is gone, or isn't the one that the run was made with.
std::optional<int64_t> model_bytes(const StageInfo* stage) {
  if (stage == nullptr || stage->model_path.empty()) return std::nullopt;
  std::error_code failure;
  const auto bytes = std::filesystem::file_size(stage->model_path, failure);
  if (failure || sha256_of_file(stage->model_path) != stage->model_sha256) return std::nullopt;
  return static_cast<int64_t>(bytes);
}

Cell or_absent(const std::optional<double>& value) { return value ? Cell(*value) : Cell(); }

void add_run(Table& table, const std::string& name, const Judged& run, const std::string& stage) {
  const auto bytes = model_bytes(of_stage(run.run.stages, &StageInfo::name, stage));
  const auto* time = of_stage(run.evaluation.latency, &PhaseLatency::phase, stage);
  std::vector<Cell> cells{name, bytes ? Cell(*bytes) : Cell()};
  cells.push_back(time != nullptr && time->images > 0 ? Cell(time->p50_ms / 1e3) : Cell());
  const auto* buckets = of_stage(run.evaluation.buckets, &Buckets::stage, stage);
  for (size_t b = 0; b < kBucketBounds.size(); ++b) {
    cells.push_back(buckets != nullptr ? or_absent(buckets->ratio[b]) : Cell());
  }
  table.add_row(std::move(cells));
}

void add_shifts(Table& table, const std::string& name, const BucketComparison& bucket) {
  std::vector<Cell> shifts{name + ", shift", Cell(), Cell()};
  std::vector<Cell> intervals{"95 %", Cell(), Cell()};
  for (const PairedTally& tally : bucket.at_least) {
    const PairedCounts& counts = tally.counts;
    if (counts.n == 0) {
      shifts.emplace_back();
      intervals.emplace_back();
      continue;
    }
    shifts.emplace_back(fmt::format("{:+.2f}", -100 * counts.drop() + 0.0));
    intervals.emplace_back(fmt::format("{:+.2f} to {:+.2f}",
                                       -100 * drop_upper_bound(counts, kRisk, 0),
                                       -100 * drop_lower_bound(counts, kRisk, 0)));
  }
  table.add_row(std::move(shifts));
  table.add_row(std::move(intervals));
}

Table stage_table(const std::string& stage, const std::vector<std::string>& names,
                  const std::vector<Judged>& runs, const std::vector<Comparison>& comparisons) {
  std::vector<Column> columns{text_column("run"), bytes_column("size"),
                              number_column("cpu_s", "time", 5, "s a picture")};
  for (size_t b = 0; b < kBucketBounds.size(); ++b) {
    columns.push_back(
        percent_column(fmt::format("at_least_{}", kBucketBounds[b]), bound_text(b), 2));
  }
  Table table("validation_" + stage, columns);
  for (size_t i = 0; i < runs.size(); ++i) add_run(table, names[i], runs[i], stage);
  int64_t pictures = 0;
  for (size_t i = 0; i < comparisons.size(); ++i) {
    const auto* bucket = of_stage(comparisons[i].buckets, &BucketComparison::stage, stage);
    if (bucket == nullptr) continue;
    if (pictures == 0) table.add_rule();
    pictures = std::max(pictures, bucket->images);
    add_shifts(table, names[i + 1], *bucket);
  }
  table.caption = stage;
  table.notes = {
      "buckets: share of the labelled pictures by the score for the correct class, in percent",
      fmt::format("shift: in points against {}, with its 95 % interval, from pairs of answers to "
                  "the same {} pictures",
                  names[0], with_thousands(pictures)),
      "time: median of the stage's share of a batch's time; size: of the model's file, "
      "where it is still there"};
  return table;
}

Table matrix(const BucketComparison& bucket, const std::string& name, const std::string& caption,
             const BucketComparison::Migration& counts) {
  std::vector<Column> columns = {text_column("before")};
  for (size_t i = 0; i < kMigrationBins; ++i) {
    columns.push_back(count_column(bin_name(i), bin_name(i)));
  }
  Table table(name, columns);
  table.caption = fmt::format("{}: {}, rows before, columns now.", bucket.stage, caption);
  table.is_matrix = true;
  for (size_t i = 0; i < kMigrationBins; ++i) {
    std::vector<Cell> cells = {bin_name(i)};
    for (size_t j = 0; j < kMigrationBins; ++j) cells.emplace_back(counts[i][j]);
    table.add_row(cells);
  }
  return table;
}

}  // namespace

Section validation_section(const std::vector<std::string>& names, const std::vector<Judged>& runs,
                           const std::vector<Comparison>& comparisons) {
  FPCLS_CHECK(runs.size() == names.size() && comparisons.size() + 1 == runs.size());
  Section section{"Validation", {}};
  for (const Buckets& buckets : runs[0].evaluation.buckets) {
    section.blocks.emplace_back(stage_table(buckets.stage, names, runs, comparisons));
  }
  return section;
}

std::vector<Table> migration_tables(const BucketComparison& bucket, const std::string& run) {
  int64_t moved = 0, flipped = 0;
  BucketComparison::Migration stayed = bucket.migration;
  for (size_t i = 0; i < kMigrationBins; ++i) {
    for (size_t j = 0; j < kMigrationBins; ++j) {
      stayed[i][j] -= bucket.migration_flipped[i][j];
      flipped += bucket.migration_flipped[i][j];
      if (i != j) moved += bucket.migration[i][j];
    }
  }
  if (moved == 0) return {};
  const std::string of = run.empty() ? "" : " of " + run;
  const std::string suffix = bucket.stage + (run.empty() ? "" : "_" + run);
  std::vector<Table> tables{matrix(
      bucket, "migration_" + suffix,
      fmt::format("pictures{} by their score for the correct class, answer the same", of), stayed)};
  if (flipped > 0) {
    tables.push_back(matrix(bucket, "migration_flipped_" + suffix,
                            fmt::format("pictures{} whose answer flipped", of),
                            bucket.migration_flipped));
  }
  return tables;
}

}  // namespace fpcls
