#include "run/evaluate.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "config/options.h"
#include "predictions/store.h"
#include "run/evaluation_report.h"
#include "run/judge.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;

struct Shard {
  int part = 1;
  int parts = 1;
};

/// "3/16".
Shard parse_shard(const std::string& text) {
  constexpr int kMostParts = 1'000'000;
  Shard shard;
  if (text.empty()) return shard;
  const size_t slash = std::min(text.find('/'), text.size() - 1);
  try {
    parse_value(text.substr(0, slash), shard.part);
    parse_value(text.substr(slash + 1), shard.parts);
  } catch (const Error&) {
    shard.part = 0;
  }
  if (shard.part < 1 || shard.part > shard.parts || shard.parts > kMostParts) {
    fail("--shard is '{}', expected PART/PARTS such as 3/16, counted from 1", text);
  }
  return shard;
}

std::unique_ptr<PredictionStore> open_store(const EvaluateOptions& options, const RunInfo& run) {
  const fs::path file = fs::path(options.out) / kStoreName;
  if (options.resume && options.force) fail("--resume and --force contradict each other; take one");
  if (options.resume) return PredictionStore::resume(file, run);
  if (fs::exists(file) && !options.force) {
    fail(
        "{}: holds a run already; go on with it (--resume), replace it (--force), or take another "
        "folder",
        quoted(fs::path(options.out)));
  }
  return PredictionStore::create(file, run, options.force ? IfExists::replace : IfExists::refuse);
}

/// The configuration as far as it says what was judged and how, not where to or in how many parts:
/// a run that was interrupted or sharded records what the whole one does.
std::string recorded_config(EvaluateOptions options) {
  options.out.clear();
  options.shard.clear();
  options.resume = options.force = options.csv = false;
  options.output = {};
  return options_json(describe_options(options));
}

/// Rows of the shard that aren't in the store yet.
std::vector<int64_t> rows_to_do(const ImageList& list, const Shard& shard,
                                const std::vector<bool>& completed) {
  std::vector<int64_t> rows = list.shard_rows(shard.part, shard.parts);
  if (rows.empty()) {
    fail("shard {}/{} has no pictures: there are only {}; use fewer parts", shard.part, shard.parts,
         list.size());
  }
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [&](int64_t row) {
                              const auto i = static_cast<size_t>(row);
                              return i < completed.size() && completed[i];
                            }),
             rows.end());
  return rows;
}

}  // namespace

EvaluateResult run_evaluate(const EvaluateOptions& options,
                            const std::vector<std::string>& command) {
  const Shard shard = parse_shard(options.shard);
  if (options.out.empty() && (options.resume || options.force || options.csv)) {
    fail("--resume, --force and --csv need a folder; pass --out");
  }
  if (!options.out.empty()) make_writable_folder(options.out);
  CascadeRun run = prepare_cascade_run(options.input, options.cascade, options.runtime,
                                       recorded_config(options), command, options.output);
  run.info.shard = shard.part;
  run.info.shard_count = shard.parts;
  run.info.seed = options.seed;

  std::optional<EvaluationAccumulator> direct;
  std::unique_ptr<PredictionStore> store;
  if (options.out.empty()) {
    direct.emplace(run.info);
  } else {
    store = open_store(options, run.info);
  }
  const std::vector<bool> completed = store ? store->completed_rows() : std::vector<bool>();
  const std::vector<int64_t> rows = rows_to_do(run.list, shard, completed);
  classify_rows(run, rows, options.runtime, options.cache, options.output.quiet,
                [&](Prediction&& prediction) {
                  if (direct) return direct->add(prediction);
                  store->add(std::move(prediction));
                });
  // How long the parts before a kill took isn't known, so neither is the time of the whole.
  if (std::find(completed.begin(), completed.end(), true) != completed.end()) run.info.wall_s = 0;
  EvaluateResult result;
  if (store) {
    store->finish(run.info);
    store.reset();
    Judged judged = judge_store(fs::path(options.out) / kStoreName);
    result.run = std::move(judged.run);
    result.evaluation = std::move(judged.evaluation);
    write_report_files(options.out, result.run, result.evaluation,
                       {stored_predictions(fs::path(options.out) / kStoreName),
                        PictureFinder(options.input.inputs)});
    if (options.csv) {
      PredictionReader reader(fs::path(options.out) / kStoreName);
      write_predictions_file(options.out, reader);
    }
  } else {
    result.run = run.info;
    result.evaluation = direct->result();
  }
  const ImageCounts& images = result.evaluation.images;
  if (images.judged + images.unlabelled == 0) {
    fail("none of the {} pictures could be decoded; see the reasons in bad_images.csv",
         images.listed);
  }
  result.too_many_bad = static_cast<double>(images.undecodable) >
                        options.max_bad_ratio * static_cast<double>(images.listed);
  return result;
}

}  // namespace fpcls
