#include <fmt/format.h>

#include <iterator>

#include "base/text.h"
#include "predictions/csv.h"

namespace fpcls {
namespace {

constexpr size_t kBufferBytes = 1 << 16;

std::string header_of(const RunInfo& run) {
  std::string header = "path,slice,sha256,label,predicted,stage";
  for (const StageInfo& stage : run.stages) {
    for (const std::string& label : stage.scored_labels) {
      header += ',';
      header += csv_field("score." + stage.name + (stage.binary ? "" : "." + label));
    }
  }
  return header + ",ms\n";
}

const StageScores* scores_of(const Prediction& prediction, size_t stage) {
  for (const StageScores& scores : prediction.scores) {
    if (scores.stage == static_cast<int>(stage)) return &scores;
  }
  return nullptr;
}

}  // namespace

PredictionCsvWriter::PredictionCsvWriter(const std::filesystem::path& path, const RunInfo& run)
    : file_(path), run_(run), buffer_(header_of(run)) {}

void PredictionCsvWriter::write(const Prediction& p) {
  const auto out = std::back_inserter(buffer_);
  const std::string stage =
      p.stage >= 0 ? csv_field(run_.stages.at(static_cast<size_t>(p.stage)).name) : "";
  fmt::format_to(out, "{},{},{},{},{},{}", csv_field(p.path), csv_field(p.slice), p.sha256,
                 csv_field(p.label.value_or("")), csv_field(p.predicted), stage);
  for (size_t i = 0; i < run_.stages.size(); ++i) {
    const StageScores* scores = scores_of(p, i);
    for (size_t k = 0; k < run_.stages[i].scored_labels.size(); ++k) {
      buffer_ += ',';
      // The shortest digits that give the same float32 again.
      if (scores != nullptr) fmt::format_to(out, "{}", scores->scores.at(k));
    }
  }
  buffer_ += ',';
  if (p.total_ms() > 0) fmt::format_to(out, "{:.3f}", p.total_ms());
  buffer_ += '\n';
  if (buffer_.size() >= kBufferBytes) {
    file_.write(buffer_);
    buffer_.clear();
  }
}

void PredictionCsvWriter::commit() {
  file_.write(buffer_);
  buffer_.clear();
  file_.commit();
}

}  // namespace fpcls
