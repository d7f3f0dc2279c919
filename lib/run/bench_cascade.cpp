#include <algorithm>
#include <mutex>
#include <numeric>

#include "base/error.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "cascade/picture_source.h"
#include "config/yaml_file.h"
#include "run/bench_case.h"
#include "run/cascade_builder.h"
#include "run/closed_loop.h"
#include "run/environment.h"
#include "run/picture_list.h"

namespace fpcls {
namespace {

constexpr int kMostWindows = 10;

/// What one pass over the pictures adds up to.
struct Passes {
  std::vector<float> totals_ms;
  std::vector<double> stage_ms;
  std::vector<int64_t> stage_images;
  double decode_ms = 0, resize_ms = 0;
  int64_t decoded = 0;

  void add(const Prediction& p) {
    if (!p.decoded()) return;
    ++decoded;
    decode_ms += p.decode_ms;
    resize_ms += p.resize_ms;
    totals_ms.push_back(static_cast<float>(p.total_ms()));
    for (const StageScores& s : p.scores) {
      stage_ms[static_cast<size_t>(s.stage)] += s.ms;
      ++stage_images[static_cast<size_t>(s.stage)];
    }
  }
};

CascadeSpec cascade_spec(const std::string& file) {
  CascadeSpec spec;
  read_options(file, describe_options(spec));
  return spec;
}

ImageList pictures_of(const BenchOptions& options) {
  if (options.images.empty()) {
    fail("bench: a cascade runs on pictures, from file to label; pass --images");
  }
  InputOptions input;
  input.inputs = options.images;
  input.labels = LabelSource::none;
  return list_pictures(input, {}, AnyLabel::no, options.output.quiet);
}

void fill_memory(const Cascade& cascade, BenchMemory& memory) {
  for (const Stage& stage : cascade.stages) {
    const MemoryUse use = stage.executor->memory();
    memory.weights_bytes += use.weights_bytes;
    memory.packed_weights_bytes += use.packed_weights_bytes;
    memory.device_bytes += use.device_bytes;
    memory.file_buffer_bytes += unused_file_bytes(stage.info.model_path, use.weights_bytes);
    // The stages take turns in the same arenas.
    memory.arena_bytes = std::max(memory.arena_bytes, use.arena_bytes);
    memory.scratchpad_bytes = std::max(memory.scratchpad_bytes, use.scratchpad_bytes);
  }
}

/// The time of each stage among all that a picture costs.
std::vector<BenchLayer> stage_rows(const Cascade& cascade, const Passes& passes) {
  std::vector<BenchLayer> rows;
  const double all_ms = std::accumulate(passes.totals_ms.begin(), passes.totals_ms.end(), 0.0);
  for (size_t i = 0; i < cascade.stages.size(); ++i) {
    const Stage& stage = cascade.stages[i];
    BenchLayer row{stage.info.name, "stage", 0, 0, {}, stage.computed_by, passes.stage_images[i]};
    if (passes.stage_images[i] > 0) {
      row.ms = passes.stage_ms[i] / static_cast<double>(passes.stage_images[i]);
    }
    row.share = all_ms > 0 ? passes.stage_ms[i] / all_ms : 0;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

BenchRecord measure_cascade(const BenchOptions& options, const BenchCase& what) {
  BenchRecord record;
  record.model = what.model;
  record.precision = enum_name(what.float_type);
  record.batch = what.batch;
  record.workers = what.workers;
  record.threads = threads_of(options, what);
  const ImageList list = pictures_of(options);
  open_libraries(options, what);
  open_ledger(record.memory);
  Stopwatch watch;
  LoadedCascade loaded = load_cascade(cascade_spec(what.model));
  record.phases.load_ms = watch.ms();
  model_read(record.memory);
  watch.restart();
  const Cascade cascade = make_ready(std::move(loaded), runtime_of(options, what),
                                     static_cast<int>(record.threads), options.output.quiet);
  record.phases.compile_ms = watch.ms();
  model_compiled(record.memory);
  record.computed_by = cascade.stages[0].computed_by;
  const auto source = picture_files(list);
  std::vector<int64_t> rows(static_cast<size_t>(list.size()));
  std::iota(rows.begin(), rows.end(), 0);
  CascadeOptions run;
  run.workers = what.workers;
  run.batch_size = what.batch;
  const auto fresh = [&] {
    Passes passes;
    passes.stage_ms.resize(cascade.stages.size());
    passes.stage_images.resize(cascade.stages.size());
    return passes;
  };
  // Whole passes: a window holds at least one, and is as long as was asked for.
  const auto window = [&](Passes& passes, double seconds) {
    const Stopwatch clock;
    int64_t pictures = 0;
    do {
      run_cascade(cascade, *source, rows, run,
                  [&](Prediction&& prediction) { passes.add(prediction); });
      pictures += list.size();
    } while (clock.seconds() < seconds);
    return static_cast<double>(pictures) / clock.seconds();
  };
  Passes warm = fresh();
  watch.restart();
  window(warm, 0);
  record.phases.first_run_ms = watch.ms();
  if (warm.decoded == 0) fail("--images: none of the {} pictures can be decoded", list.size());
  const MachineWatch machine;
  Passes passes = fresh();
  std::vector<double> rates;
  while (static_cast<int>(rates.size()) < kMostWindows && !windows_agree(rates)) {
    rates.push_back(window(passes, options.window));
  }
  record.machine = machine.finish();
  record.throughput.stable = windows_agree(rates);
  record.throughput.windows = static_cast<int64_t>(rates.size());
  const auto first = rates.end() - (record.throughput.stable ? 3 : rates.end() - rates.begin());
  record.throughput.images_per_second =
      std::accumulate(first, rates.end(), 0.0) / static_cast<double>(rates.end() - first);
  record.repeats = {record.throughput.images_per_second};
  record.layers = stage_rows(cascade, passes);
  std::sort(passes.totals_ms.begin(), passes.totals_ms.end());
  record.latency = latency_of(passes.totals_ms);
  record.phases.decode_ms = passes.decode_ms / static_cast<double>(passes.decoded);
  record.phases.resize_ms = passes.resize_ms / static_cast<double>(passes.decoded);
  record.input = fmt::format("{} pictures, file to label", with_thousands(list.size()));
  fill_memory(cascade, record.memory);
  close_ledger(record.memory);
  return record;
}

}  // namespace fpcls
