#include "run/evaluation_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace fpcls {

namespace {

Column interval_column(const char* key, const char* heading) {
  Column column = ratio_column(key, heading, 3);
  column.unit = "95 %";
  return column;
}

}  // namespace

Table classes_table(const std::vector<ClassMetrics>& classes) {
  Table table("classes",
              {text_column("label", "class"), count_column("total"),
               count_column("predicted", "predicted", "TP+FP"), data_only(count_column("tp", "TP")),
               count_column("fp", "wrong", "FP"), count_column("fn", "missed", "FN"),
               data_only(count_column("tn", "TN")), ratio_column("accuracy"),
               ratio_column("precision"), ratio_column("recall"), ratio_column("f1", "F1"),
               interval_column("precision_interval", "precision"),
               interval_column("recall_interval", "recall")});
  for (const ClassMetrics& c : classes) {
    table.add_row({c.label, c.total, c.predicted, c.tp, c.fp, c.fn, c.tn, c.accuracy, c.precision,
                   c.recall, c.f1, c.precision_interval, c.recall_interval});
  }
  table.notes = {"total: labelled pictures that could be decoded, TP + FP + FN + TN",
                 "accuracy: (TP + TN) / total; precision: TP / (TP + FP); recall: TP / (TP + FN); "
                 "F1: 2 TP / (2 TP + FP + FN)",
                 "95 %: the Wilson score interval of precision, of recall",
                 "where there is no figure (-), it would be divided by 0"};
  return table;
}

Table funnel_table(const std::vector<FunnelStage>& funnel) {
  Table table("funnel", {text_column("stage"), count_column("entered"), count_column("accepted"),
                         count_column("wrongly_accepted", "wrongly", "accepted"),
                         count_column("wrongly_passed_on", "wrongly", "passed on")});
  for (const FunnelStage& f : funnel) {
    table.add_row({f.stage, f.entered, f.accepted, f.wrongly_accepted, f.wrongly_passed_on});
  }
  table.notes = {
      "wrongly accepted: the stage gave a label that isn't the truth",
      "wrongly passed on: the truth is a label of the stage, and the stage didn't give it; every "
      "wrong answer is charged to the first stage that went wrong"};
  return table;
}

Table confusion_table(const Confusion& confusion) {
  std::vector<Column> columns = {text_column("truth")};
  for (const std::string& label : confusion.labels) {
    columns.push_back(named_by_data(count_column(label, label)));
  }
  Table table("confusion", columns);
  for (size_t i = 0; i < confusion.labels.size(); ++i) {
    std::vector<Cell> cells = {confusion.labels[i]};
    for (const int64_t count : confusion.counts[i]) cells.emplace_back(count);
    table.add_row(cells);
  }
  table.caption = "Rows are the truth, columns what was predicted.";
  table.is_matrix = true;
  return table;
}

Table bad_images_table(const std::vector<BadImage>& bad_images, size_t most) {
  Table table("bad_images",
              {text_column("path"), text_column("reason_code", "code"), text_column("reason")});
  const size_t shown = std::min(most, bad_images.size());
  for (size_t i = 0; i < shown; ++i) {
    const BadImage& bad = bad_images[i];
    table.add_row({bad.path, bad.reason_code, bad.reason});
  }
  if (shown < bad_images.size()) {
    table.caption = fmt::format("The first {}; bad_images.csv has them all.", shown);
  }
  return table;
}

Table latency_table(const std::vector<PhaseLatency>& latency) {
  Table table("latency",
              {text_column("phase"), count_column("images", "pictures"),
               ms_column("mean_ms", "mean"), ms_column("p50_ms", "p50"), ms_column("p90_ms", "p90"),
               ms_column("p95_ms", "p95"), ms_column("p99_ms", "p99"), ms_column("max_ms", "max")});
  for (const PhaseLatency& l : latency) {
    table.add_row({l.phase, l.images, l.mean_ms, l.p50_ms, l.p90_ms, l.p95_ms, l.p99_ms, l.max_ms});
  }
  table.notes = {"milliseconds of one picture in one phase; a stage's are its share of the batch's",
                 "p90: nine pictures of ten take at most this long"};
  return table;
}

double as_decimal(float value) { return std::stod(fmt::format("{}", value)); }

std::vector<double> bucket_bounds() {
  std::vector<double> bounds;
  for (const float bound : kBucketBounds) bounds.push_back(as_decimal(bound));
  return bounds;
}

std::optional<double> images_per_second(const RunInfo& run, const Evaluation& evaluation) {
  if (!(run.wall_s > 0)) return std::nullopt;
  return static_cast<double>(evaluation.images.listed) / run.wall_s;
}

}  // namespace fpcls
