#include "run/cascade_run.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "base/process.h"
#include "base/progress.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "run/cascade_builder.h"
#include "run/environment.h"
#include "run/picture_list.h"
#include "run/version.h"

namespace fpcls {
namespace {

void say_what_runs(const RunInfo& info, const ImageList& list) {
  for (const StageInfo& stage : info.stages) {
    fmt::print(stderr, "fpcls: stage {}: {}, {}, accepts from {}, sha256 {}\n", quoted(stage.name),
               quoted(stage.model_path), stage.precision, stage.accept, stage.model_sha256);
  }
  fmt::print(stderr,
             "fpcls: {} pictures, {} without a label, in {} slices; {} workers of {} threads; {}\n",
             with_thousands(list.size()), with_thousands(list.unlabelled()), list.slices().size(),
             info.workers, info.threads, info.cpu);
}

}  // namespace

CascadeRun prepare_cascade_run(const InputOptions& input, const CascadeSpec& spec,
                               const RuntimeOptions& runtime, std::string config_json,
                               std::vector<std::string> command, const OutputOptions& output) {
  want_inputs(input);
  LoadedCascade loaded = load_cascade(spec);
  ImageList list = list_pictures(input, cascade_labels(loaded.cascade), AnyLabel::no, output.quiet);
  const Parallelism parallel = parallelism(runtime, list.size());
  Cascade cascade = make_ready(std::move(loaded), runtime, parallel.threads, output.quiet);
  RunInfo info;
  info.version = version();
  info.command = std::move(command);
  info.config_json = std::move(config_json);
  for (const Stage& stage : cascade.stages) info.stages.push_back(stage.info);
  info.otherwise = cascade.otherwise;
  info.slices = list.slices();
  info.all_stages = spec.all_stages;
  info.listed = list.size();
  info.list_sha256 = list.sha256();
  info.cpu = cpu_name();
  info.isa = isa_names();
  info.device = runtime.device;
  info.threads = parallel.threads;
  info.workers = parallel.workers;
  info.started = utc_now();
  if (output.verbose) say_what_runs(info, list);
  return {std::move(cascade), std::move(list), std::move(info)};
}

void classify_rows(CascadeRun& run, const std::vector<int64_t>& rows, const RuntimeOptions& runtime,
                   const CacheOptions& cache, bool quiet, const PredictionSink& sink) {
  constexpr int64_t kBytesInMb = 1'000'000;
  constexpr double kSecondsInDay = 86400;
  std::optional<ResultCache> results;
  if (!cache.cache.empty()) {
    results.emplace(cache.cache,
                    ResultCacheOptions{static_cast<int64_t>(cache.cache_days * kSecondsInDay),
                                       cache.cache_limit_mb * kBytesInMb,
                                       {}});
  }
  CascadeOptions options;
  options.workers = run.info.workers;
  options.batch_size = runtime.batch;
  options.all_stages = run.info.all_stages;
  options.cache = results ? &*results : nullptr;
  const Stopwatch watch;
  {
    Progress progress("classifying", "pictures", static_cast<int64_t>(rows.size()), quiet);
    const auto pictures = picture_files(run.list);
    run_cascade(run.cascade, *pictures, rows, options, sink, &progress);
  }
  if (results) results->flush();
  run.info.wall_s = watch.seconds();
  run.info.peak_rss_bytes = peak_resident_bytes();
  for (const Stage& stage : run.cascade.stages)
    run.info.device_bytes += stage.executor->memory().device_bytes;
}

}  // namespace fpcls
