#include <fmt/format.h>

#include "base/file.h"
#include "predictions/csv.h"
#include "report/render_csv.h"
#include "report/render_markdown.h"
#include "run/evaluation_report.h"
#include "run/evaluation_tables.h"
#include "run/html_report.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;

/// An atomic file written in large pieces.
class BufferedFile {
 public:
  explicit BufferedFile(const fs::path& path) : file_(path) {}

  void write(std::string_view piece) {
    constexpr size_t kBufferBytes = 1 << 16;
    buffer_ += piece;
    if (buffer_.size() >= kBufferBytes) flush();
  }
  void commit() {
    flush();
    file_.commit();
  }

 private:
  void flush() {
    file_.write(buffer_);
    buffer_.clear();
  }

  AtomicFile file_;
  std::string buffer_;
};

template <class Items, class ToFields>
void write_rows(const fs::path& path, const std::vector<std::string>& header, const Items& items,
                const ToFields& to_fields) {
  BufferedFile file(path);
  file.write(csv_line(header));
  for (const auto& item : items) file.write(csv_line(to_fields(item)));
  file.commit();
}

void write_json(const fs::path& path, const RunInfo& run, const Evaluation& evaluation) {
  BufferedFile file(path);
  write_evaluation_json(run, evaluation, [&](std::string_view piece) { file.write(piece); });
  file.commit();
}

void write_buckets(const fs::path& path, const Evaluation& evaluation) {
  Table table("buckets", {text_column("stage"), count_column("images"), ratio_column("at_least"),
                          count_column("count"), ratio_column("ratio")});
  const std::vector<double> bounds = bucket_bounds();
  for (const Buckets& b : evaluation.buckets) {
    for (size_t i = 0; i < bounds.size(); ++i) {
      table.add_row({b.stage, b.images, bounds[i], b.count[i], b.ratio[i]});
    }
  }
  write_file(path, render_csv(table));
}

void write_errors(const fs::path& path, const Evaluation& evaluation) {
  write_rows(path, {"path", "slice", "label", "predicted", "stage", "score", "harm"},
             evaluation.errors, [](const ErrorCase& e) -> std::vector<std::string> {
               return {e.path,
                       e.slice,
                       e.label,
                       e.predicted,
                       e.stage,
                       e.score ? fmt::format("{}", *e.score) : "",
                       e.harm ? fmt::format("{}", *e.harm) : ""};
             });
}

void write_bad_images(const fs::path& path, const Evaluation& evaluation) {
  write_rows(path, {"path", "reason_code", "reason"}, evaluation.bad_images,
             [](const BadImage& bad) -> std::vector<std::string> {
               return {bad.path, bad.reason_code, bad.reason};
             });
}

}  // namespace

void write_report_files(const fs::path& folder, const RunInfo& run, const Evaluation& evaluation,
                        const PageSources& sources) {
  make_writable_folder(folder);
  write_file(folder / "classes.csv", render_csv(classes_table(evaluation.classes)));
  write_buckets(folder / "buckets.csv", evaluation);
  write_file(folder / "latency.csv", render_csv(latency_table(evaluation.latency)));
  write_errors(folder / "errors.csv", evaluation);
  write_bad_images(folder / "bad_images.csv", evaluation);
  write_file(folder / "report.md", render_markdown(evaluation_document(run, evaluation)));
  write_html(folder / "report.html", html_document(run, evaluation, sources));
  write_json(folder / "report.json", run, evaluation);
}

void write_predictions_file(const fs::path& folder, PredictionReader& predictions) {
  make_writable_folder(folder);
  PredictionCsvWriter csv(folder / "predictions.csv", predictions.run());
  predictions.for_each([&](const Prediction& prediction) { csv.write(prediction); });
  csv.commit();
}

}  // namespace fpcls
