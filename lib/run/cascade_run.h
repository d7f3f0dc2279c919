#pragma once

#include <string>
#include <vector>

#include "cascade/cascade.h"
#include "images/image_list.h"
#include "predictions/prediction.h"
#include "run/cascade_options.h"
#include "run/common_options.h"

/// What `classify` and `evaluate` share: models made ready, pictures listed, and the run over them.
namespace fpcls {

struct CacheOptions {
  std::string cache;
  int64_t cache_limit_mb = 1000;
  double cache_days = 90;

  template <class Visitor>
  void describe(Visitor& v) {
    v.option("cache", cache, "Folder that keeps results across runs");
    v.option("cache_limit_mb", cache_limit_mb, "Size from which on the cache forgets, in MB",
             Range<int64_t>{1, 1 << 20});
    v.option("cache_days", cache_days, "Age from which on the cache forgets, in days",
             Range{0.0, 36500.0});
  }
};

struct CascadeRun {
  Cascade cascade;
  ImageList list;
  RunInfo info;  ///< all but what is only known at the end
};

/// Lists the pictures and loads the models. `config_json` and `command` are recorded. What is left
/// out of the INPUTs is said on stderr unless `output` is quiet; if verbose, models and pictures
/// too.
CascadeRun prepare_cascade_run(const InputOptions& input, const CascadeSpec& spec,
                               const RuntimeOptions& runtime, std::string config_json,
                               std::vector<std::string> command, const OutputOptions& output);

/// Classifies `rows` of the list with progress on stderr, then completes `run.info`.
void classify_rows(CascadeRun& run, const std::vector<int64_t>& rows, const RuntimeOptions& runtime,
                   const CacheOptions& cache, bool quiet, const PredictionSink& sink);

}  // namespace fpcls
