#include "run/quantize_tables.h"

#include <algorithm>
#include <numeric>

#include "base/text.h"

namespace fpcls {
namespace {

std::optional<double> share(int64_t count, int64_t all) {
  if (all == 0) return std::nullopt;
  return static_cast<double>(count) / static_cast<double>(all);
}

std::optional<double> difference(const std::optional<double>& before,
                                 const std::optional<double>& after) {
  if (!before || !after) return std::nullopt;
  return *after - *before;
}

std::string bound_text(float bound) { return fmt::format("≥{:.2f}", bound); }

/// "<0.50", "0.50–0.80", …, "≥0.95".
std::vector<std::string> bin_names() {
  std::vector<std::string> names{fmt::format("<{:.2f}", kBucketBounds[0])};
  for (size_t i = 0; i + 1 < kBucketBounds.size(); ++i) {
    names.push_back(fmt::format("{:.2f}–{:.2f}", kBucketBounds[i], kBucketBounds[i + 1]));
  }
  names.push_back(bound_text(kBucketBounds.back()));
  return names;
}

Table matrix(const std::string& name, const std::string& caption,
             const ScoreMigration::Counts& counts) {
  const std::vector<std::string> names = bin_names();
  std::vector<Column> columns{text_column("before")};
  for (const std::string& bin : names) columns.push_back(count_column(bin, bin, "after"));
  Table table(name, columns);
  table.caption = caption;
  table.is_matrix = true;
  for (size_t from = 0; from < names.size(); ++from) {
    std::vector<Cell> cells{names[from]};
    for (const int64_t count : counts[from]) cells.emplace_back(count);
    table.add_row(std::move(cells));
  }
  return table;
}

std::vector<size_t> by_cost(const SearchResult& search) {
  std::vector<size_t> order(search.trials.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return search.costs[a] < search.costs[b]; });
  return order;
}

}  // namespace

Interval shift_interval(const ScoreMigration& migration, size_t bucket) {
  constexpr double kRisk = 0.025;
  const PairedCounts pairs = bucket_pairs(migration, bucket);
  return {-drop_upper_bound(pairs, kRisk, 0), -drop_lower_bound(pairs, kRisk, 0)};
}

Table validation_table(const QuantizeResult& result) {
  const ValidationResult& v = *result.validation;
  std::vector<Column> columns{text_column("model"), bytes_column("size"),
                              number_column("cpu_s", "CPU", 5, "s a picture")};
  for (const float bound : kBucketBounds) {
    columns.push_back(percent_column(fmt::format("at_least_{}", bound), bound_text(bound), 2));
  }
  columns.push_back(percent_column("precision", "precision", 2));
  columns.push_back(percent_column("recall", "recall", 2));
  const size_t columns_of_table = columns.size();
  Table table("validation", columns);
  const auto add = [&](const char* name, int64_t bytes, double ms, const ScoreFigures& f) {
    std::vector<Cell> cells{name, bytes, ms / 1e3};
    for (const int64_t count : f.at_least) cells.emplace_back(share(count, f.pictures));
    cells.emplace_back(f.precision);
    cells.emplace_back(f.recall);
    table.add_row(std::move(cells));
  };
  add("f32", result.size_before_bytes, result.f32_ms, v.before);
  add("int8", result.size_bytes, result.int8_ms, v.after);
  table.add_rule();
  std::vector<Cell> shifts{
      "shift",
      fmt::format("{:+.1f} %", 100 * *share(result.size_bytes, result.size_before_bytes) - 100),
      fmt::format("{:+.1f} %", 100 * result.int8_ms / result.f32_ms - 100)};
  const auto points = [](const std::optional<double>& d) {
    return d ? Cell(fmt::format("{:+.2f}", 100 * *d)) : Cell();
  };
  for (size_t b = 0; b < kBucketBounds.size(); ++b) {
    shifts.push_back(points(difference(share(v.before.at_least[b], v.before.pictures),
                                       share(v.after.at_least[b], v.after.pictures))));
  }
  shifts.push_back(points(difference(v.before.precision, v.after.precision)));
  shifts.push_back(points(difference(v.before.recall, v.after.recall)));
  table.add_row(std::move(shifts));
  std::vector<Cell> intervals{"95 %", Cell(), Cell()};
  for (size_t b = 0; b < kBucketBounds.size(); ++b) {
    const Interval shift = shift_interval(v.migration, b);
    intervals.emplace_back(fmt::format("{:+.2f}..{:+.2f}", 100 * shift.low, 100 * shift.high));
  }
  intervals.resize(columns_of_table);
  table.add_row(std::move(intervals));
  table.notes = {fmt::format("{} labelled pictures; buckets: share of them by the score for the "
                             "true label, in percent, shifts in points",
                             with_thousands(v.before.pictures)),
                 "95 %: exact intervals of the shifts, from the pairs of answers to each picture",
                 "time: median of one picture on one thread, without decoding"};
  return table;
}

std::vector<Table> migration_tables(const ScoreMigration& migration) {
  std::vector<Table> tables{matrix(
      "migration", "Pictures by their score for the true label; the label stayed", migration.kept)};
  if (migration.flips() > 0) {
    tables.push_back(
        matrix("migration_flipped", "Pictures whose label flipped", migration.flipped));
  }
  return tables;
}

Table equalized_table(const std::vector<EqualizedPair>& pairs) {
  Table table("equalized", {text_column("first", "layer"), text_column("second", "read by"),
                            number_column("predicted_db", "predicted", 1, "dB"),
                            number_column("before_db", "SQNR before", 1, "dB"),
                            number_column("after_db", "after", 1, "dB"), text_column("kept", "")});
  for (const EqualizedPair& pair : pairs) {
    table.add_row({pair.first, pair.second, pair.predicted_db, pair.before_db, pair.after_db,
                   pair.kept ? "kept" : "taken back"});
  }
  table.notes = {
      "channels of the first scaled against the weights of the second: the same function in f32",
      "predicted: less noise in the second's result; SQNR: measured there, with the layer alone"};
  return table;
}

std::string restored_text(const ControlTrial& trial) {
  std::vector<std::string> parts;
  const auto add = [&](const char* precision, const std::vector<std::string>& layers) {
    if (layers.empty()) return;
    parts.push_back(fmt::format("{} {}: … {}", layers.size(), precision, layers.back()));
  };
  add("bf16", trial.kept_bf16);
  add("f32", trial.kept);
  return parts.empty() ? "-" : fmt::format("{}", fmt::join(parts, "; "));
}

Table trial_table(const SearchResult& search) {
  Table table("trials", {count_column("trial"), text_column("ranges"), text_column("restored"),
                         number_column("shift", "shift", 2, "points"),
                         number_column("ms", "time", 2, "ms"), bytes_column("size", "weights"),
                         number_column("cost", "cost", 2), text_column("mark", "")});
  const std::vector<size_t> pareto = pareto_trials(search.trials);
  for (const size_t i : by_cost(search)) {
    const ControlTrial& trial = search.trials[i];
    std::string mark = i == search.chosen ? "chosen" : "";
    if (std::find(pareto.begin(), pareto.end(), i) != pareto.end()) {
      mark += mark.empty() ? "unbeaten" : ", unbeaten";
    }
    std::string ranges(enum_name(trial.method));
    if (!trial.other_ranges.empty()) {
      const auto& [result, method] = trial.other_ranges.back();
      ranges +=
          fmt::format("; {} others: … {} {}", trial.other_ranges.size(), result, enum_name(method));
    }
    table.add_row({static_cast<int64_t>(i), ranges, restored_text(trial), trial.shift_points,
                   trial.ms, trial.weight_bytes, search.costs[i], mark});
  }
  const Objective& o = search.objective;
  table.notes = {"restored: layers in bf16 or back in f32, and the last of them",
                 "unbeaten: no other trial is better in shift, time and size at once",
                 fmt::format("cost: {:g} a point of shift + {:g} a percent of the f32 model's time "
                             "+ {:g} a percent of its weights; the lower the better",
                             o.error, o.time, o.size)};
  return table;
}

}  // namespace fpcls
