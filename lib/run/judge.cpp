#include "run/judge.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "config/options.h"
#include "metrics/rejudge.h"
#include "predictions/csv.h"
#include "predictions/merge.h"
#include "predictions/store.h"
#include "run/evaluation_report.h"
#include "run/flip_gallery.h"
#include "run/html_report.h"
#include "run/picture_finder.h"
#include "run/run_comparison.h"
#include "run/side_by_side.h"
#include "run/validation_table.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;
using Thresholds = std::map<std::string, double>;

/// A run's predictions, wherever they come from.
struct Source {
  RunInfo run;
  std::function<void(const std::function<void(const Prediction&)>&)> for_each;
  std::vector<std::string> remarks;
  std::vector<std::string> inputs;  // where its pictures were
};

fs::path store_file(const std::string& input) {
  return fs::is_directory(input) ? fs::path(input) / kStoreName : fs::path(input);
}

Source csv_source(const std::string& file) {
  auto csv = std::make_shared<CsvPredictions>(read_predictions_csv(file));
  Source source{csv->run, {}, {}, {}};
  for (const std::string& column : csv->ignored_columns) {
    source.remarks.push_back(fmt::format("{}: column {} isn't used", quoted(file), quoted(column)));
  }
  source.for_each = [csv](const auto& use) {
    for (const Prediction& prediction : csv->predictions) use(prediction);
  };
  return source;
}

Source open_source(const std::vector<std::string>& inputs) {
  std::vector<fs::path> files;
  for (const std::string& input : inputs) {
    const fs::path file = store_file(input);
    if (!fs::exists(file)) {
      fail("{}: has no predictions; name a folder that 'fpcls evaluate --out' wrote, or a .csv",
           quoted(input));
    }
    if (!looks_like_store(file)) {
      if (inputs.size() == 1) return csv_source(input);
      fail(
          "{}: is no store of fpcls, and CSV files can't be merged; judge it alone, or with "
          "--side-by-side",
          quoted(input));
    }
    files.push_back(file);
  }
  auto merged = std::make_shared<MergedPredictions>(files);
  Source source{
      merged->run(), [merged](const auto& use) { merged->for_each(use); }, merged->gaps(), {}};
  for (const fs::path& file : files) {
    for (std::string& place : recorded_inputs(PredictionReader(file).run())) {
      source.inputs.push_back(std::move(place));
    }
  }
  return source;
}

/// "wireframe=0.8".
Thresholds parse_thresholds(const std::vector<std::string>& texts) {
  Thresholds thresholds;
  for (const std::string& text : texts) {
    const size_t equals = text.rfind('=');
    double value = 0;
    try {
      if (equals == std::string::npos || equals == 0) fail("");
      parse_value(text.substr(equals + 1), value);
    } catch (const Error&) {
      fail("--accept is '{}', expected STAGE=SCORE such as wireframe=0.8", text);
    }
    if (!thresholds.emplace(text.substr(0, equals), value).second) {
      fail("--accept names the stage {} twice", quoted(text.substr(0, equals)));
    }
  }
  return thresholds;
}

/// Judges a source, decided again where there are thresholds; `also` sees every prediction.
Judged judge(const Source& source, const Thresholds& thresholds,
             const std::function<void(const Prediction&)>& also) {
  const RunInfo run = with_accept(source.run, thresholds);
  EvaluationAccumulator accumulator(run);
  Rejudger rejudger(run);
  source.for_each([&](const Prediction& stored) {
    if (thresholds.empty()) {
      accumulator.add(stored);
      if (also) also(stored);
      return;
    }
    Prediction prediction = stored;
    if (!rejudger.apply(prediction)) return;
    accumulator.add(prediction);
    if (also) also(prediction);
  });
  rejudger.finish();
  return {run, accumulator.result()};
}

bool same_folder(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

/// The store of --out, or none where reports are only written anew beside the run's own store.
std::unique_ptr<PredictionStore> open_out(const ReportOptions& options, const RunInfo& run) {
  make_writable_folder(options.out);
  const auto is_out = [&](const std::string& input) {
    return same_folder(store_file(input).parent_path(), options.out);
  };
  if (std::any_of(options.inputs.begin(), options.inputs.end(), is_out)) {
    if (options.inputs.size() == 1 && options.accept.empty()) return nullptr;
    fail("--out {}: is where the predictions come from; take another folder", quoted(options.out));
  }
  const fs::path file = fs::path(options.out) / kStoreName;
  if (fs::exists(file) && !options.force) {
    fail("{}: holds a run already; replace it (--force), or take another folder",
         quoted(options.out));
  }
  return PredictionStore::create(file, run, IfExists::replace);
}

PictureFinder picture_finder(const ReportOptions& options, const Source& source) {
  std::vector<std::string> places = options.pictures;
  places.insert(places.end(), source.inputs.begin(), source.inputs.end());
  return PictureFinder(places);
}

void write_out(const ReportOptions& options, const Source& source, const Judged& judged) {
  write_report_files(
      options.out, judged.run, judged.evaluation,
      {stored_predictions(fs::path(options.out) / kStoreName), picture_finder(options, source)});
  if (!options.csv) return;
  PredictionReader reader(fs::path(options.out) / kStoreName);
  write_predictions_file(options.out, reader);
}

ReportResult merged_report(const ReportOptions& options) {
  const Source source = open_source(options.inputs);
  const Thresholds thresholds = parse_thresholds(options.accept);
  ReportResult result{options.inputs, {}, source.remarks, {}};
  std::unique_ptr<PredictionStore> store;
  if (!options.out.empty()) store = open_out(options, with_accept(source.run, thresholds));
  result.judged.push_back(judge(source, thresholds, [&](const Prediction& prediction) {
    if (store) store->add(prediction);
  }));
  if (store) store->finish(result.judged[0].run);
  store.reset();
  if (!options.out.empty()) write_out(options, source, result.judged[0]);
  return result;
}

/// The folder of --out, which may be none of those that are compared: it would hide what they said.
void make_comparison_folder(const ReportOptions& options) {
  make_writable_folder(options.out);
  for (const std::string& input : options.inputs) {
    if (!same_folder(store_file(input).parent_path(), options.out)) continue;
    fail("--out {}: is where one of the runs is; take another folder", quoted(options.out));
  }
}

/// The table, then where the pictures went in each later run; nothing where there is one run, or
/// nothing is known of scores for the correct class.
std::vector<Section> validation_of(const std::vector<std::string>& inputs,
                                   const std::vector<Judged>& judged,
                                   const Thresholds& thresholds) {
  if (inputs.size() < 2 || judged[0].evaluation.buckets.empty()) return {};
  std::vector<Comparison> comparisons;
  Section migration{"Migration between buckets", {}};
  for (size_t i = 1; i < inputs.size(); ++i) {
    comparisons.push_back(compare_runs(inputs[0], inputs[i], thresholds, TruthOf::base).comparison);
    for (const BucketComparison& bucket : comparisons.back().buckets) {
      for (Table& table : migration_tables(bucket, inputs[i])) {
        migration.blocks.emplace_back(std::move(table));
      }
    }
  }
  std::vector<Section> sections{validation_section(inputs, judged, comparisons)};
  if (!migration.blocks.empty()) sections.push_back(std::move(migration));
  return sections;
}

ReportResult side_by_side_report(const ReportOptions& options) {
  if (options.csv) fail("--side-by-side writes no predictions.csv; leave out --csv");
  if (!options.out.empty()) make_comparison_folder(options);
  const Thresholds thresholds = parse_thresholds(options.accept);
  ReportResult result{options.inputs, {}, {}, {}};
  std::vector<std::string> places = options.pictures;
  for (const std::string& input : options.inputs) {
    const Source source = open_source({input});
    places.insert(places.end(), source.inputs.begin(), source.inputs.end());
    result.judged.push_back(judge(source, thresholds, {}));
    result.remarks.insert(result.remarks.end(), source.remarks.begin(), source.remarks.end());
  }
  result.validation = validation_of(options.inputs, result.judged, thresholds);
  if (options.out.empty()) return result;
  std::vector<Section> changes = result.validation;
  if (options.inputs.size() == 2) {
    std::vector<Section> flips =
        flip_sections({options.inputs[0], options.inputs[1], thresholds, PictureFinder(places)});
    changes.resize(std::min<size_t>(changes.size(), 1));  // they show the migration themselves
    changes.insert(changes.end(), flips.begin(), flips.end());
  }
  write_side_by_side_files(options.out, result.names, result.judged, std::move(changes));
  return result;
}

}  // namespace

PredictionSource stored_predictions(const fs::path& file) {
  auto reader = std::make_shared<PredictionReader>(file);
  return [reader](const auto& use) { reader->for_each(use); };
}

Judged judge_store(const fs::path& file) {
  PredictionReader reader(file);
  EvaluationAccumulator accumulator(reader.run());
  reader.for_each([&](const Prediction& prediction) { accumulator.add(prediction); });
  return {reader.run(), accumulator.result()};
}

OpenedPredictions open_predictions(const std::vector<std::string>& inputs) {
  if (inputs.empty()) {
    fail("no predictions given; name a folder that 'fpcls evaluate --out' wrote, or a .csv");
  }
  Source source = open_source(inputs);
  return {std::move(source.run), std::move(source.for_each), std::move(source.remarks)};
}

ReportResult run_report(const ReportOptions& options) {
  if (options.inputs.empty()) {
    fail("no predictions given; name a folder that 'fpcls evaluate --out' wrote, or a .csv");
  }
  if (options.csv && options.out.empty()) fail("--csv needs a folder; pass --out");
  if (!options.pictures.empty() && options.out.empty()) {
    fail("--pictures is for report.html; pass --out");
  }
  return options.side_by_side ? side_by_side_report(options) : merged_report(options);
}

}  // namespace fpcls
