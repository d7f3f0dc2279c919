#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "run/evaluation_report.h"
#include "run/evaluation_tables.h"

namespace fpcls {
namespace {

using Names = std::vector<std::string>;
using Evaluations = std::vector<Evaluation>;
using Ratio = std::optional<double>;

/// The names of `items` in all evaluations, each once, in the order in which they come.
template <class Item>
Names names_of(const Evaluations& evaluations, std::vector<Item> Evaluation::*items,
               std::string Item::*name) {
  Names names;
  for (const Evaluation& e : evaluations) {
    for (const Item& item : e.*items) {
      if (std::find(names.begin(), names.end(), item.*name) == names.end()) {
        names.push_back(item.*name);
      }
    }
  }
  return names;
}

template <class Item>
const Item* find_item(const std::vector<Item>& items, std::string Item::*name,
                      const std::string& wanted) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const Item& i) { return i.*name == wanted; });
  return found == items.end() ? nullptr : &*found;
}

Ratio difference(const Ratio& value, const Ratio& base) {
  if (!value || !base) return std::nullopt;
  return *value - *base;
}

/// `first`, then each run's share, then each later run's difference to the first.
Table ratio_table(const std::string& name, const std::string& caption, const std::string& first,
                  const Names& runs) {
  std::vector<Column> columns = {text_column(first)};
  for (const std::string& run : runs) {
    columns.push_back(named_by_data(percent_column(run, run, 2)));
  }
  for (size_t i = 1; i < runs.size(); ++i) {
    columns.push_back(points_column(runs[i] + " difference",
                                    runs.size() == 2 ? "difference" : "Δ " + runs[i], 2));
  }
  Table table(name, columns);
  table.caption = caption;
  return table;
}

void add_ratios(Table& table, const std::string& name, const std::vector<Ratio>& ratios) {
  std::vector<Cell> cells = {name};
  for (const Ratio& ratio : ratios) cells.emplace_back(ratio);
  for (size_t i = 1; i < ratios.size(); ++i) {
    cells.emplace_back(difference(ratios[i], ratios.front()));
  }
  table.add_row(cells);
}

Section overview_section(const Names& names, const Evaluations& evaluations) {
  Table table("runs", {text_column("run"), count_column("judged", "judged", "pictures"),
                       count_column("correct", "right", "pictures"),
                       percent_column("accuracy", "accuracy", 2),
                       points_column("difference", "difference", 2)});
  const Ratio& base = evaluations.front().overall.accuracy;
  for (size_t i = 0; i < names.size(); ++i) {
    const Evaluation& e = evaluations[i];
    table.add_row({names[i], e.overall.judged, e.overall.correct, e.overall.accuracy,
                   i == 0 ? Ratio() : difference(e.overall.accuracy, base)});
  }
  return {"Runs", {table}};
}

Table class_table(const Names& names, const Evaluations& evaluations, const std::string& name,
                  const std::string& caption, Ratio ClassMetrics::*ratio) {
  Table table = ratio_table(name, caption, "class", names);
  for (const std::string& label :
       names_of(evaluations, &Evaluation::classes, &ClassMetrics::label)) {
    std::vector<Ratio> ratios;
    for (const Evaluation& e : evaluations) {
      const auto* found = find_item(e.classes, &ClassMetrics::label, label);
      ratios.push_back(found == nullptr ? Ratio() : found->*ratio);
    }
    add_ratios(table, label, ratios);
  }
  return table;
}

Table bucket_table(const Names& names, const Evaluations& evaluations, size_t bucket) {
  const std::string bound = fmt::format("≥{:.2f}", kBucketBounds[bucket]);
  Table table = ratio_table("buckets_" + std::to_string(bucket),
                            "Score for the correct class " + bound, "stage", names);
  for (const std::string& stage : names_of(evaluations, &Evaluation::buckets, &Buckets::stage)) {
    std::vector<Ratio> ratios;
    for (const Evaluation& e : evaluations) {
      const auto* found = find_item(e.buckets, &Buckets::stage, stage);
      ratios.push_back(found == nullptr ? Ratio() : found->ratio[bucket]);
    }
    add_ratios(table, stage, ratios);
  }
  return table;
}

}  // namespace

Document side_by_side_document(const std::vector<std::string>& names,
                               const std::vector<Evaluation>& evaluations) {
  FPCLS_CHECK(!names.empty() && names.size() == evaluations.size());
  Document document;
  document.title = names.size() == 1 ? "1 run" : fmt::format("{} runs side by side", names.size());
  document.sections.push_back(overview_section(names, evaluations));
  document.sections.push_back(
      {"Classes",
       {class_table(names, evaluations, "precision", "Precision", &ClassMetrics::precision),
        class_table(names, evaluations, "recall", "Recall", &ClassMetrics::recall)}});
  const bool has_buckets = std::any_of(evaluations.begin(), evaluations.end(),
                                       [](const Evaluation& e) { return !e.buckets.empty(); });
  if (has_buckets) {
    Section section{"Confidence in the correct class", {}};
    for (size_t i = 0; i < kBucketBounds.size(); ++i) {
      section.blocks.emplace_back(bucket_table(names, evaluations, i));
    }
    document.sections.push_back(std::move(section));
  }
  return document;
}

}  // namespace fpcls
