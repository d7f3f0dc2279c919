#include "run/bench_case.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/process.h"
#include "base/stopwatch.h"
#include "base/threads.h"
#include "exec/step_name.h"
#include "graph/named_output.h"
#include "metrics/intervals.h"
#include "run/bench_pictures.h"
#include "run/closed_loop.h"
#include "run/environment.h"
#include "run/load_model.h"

namespace fpcls {
namespace {

constexpr int64_t kMostPictures = 64;
constexpr int kProfileRuns = 20;
constexpr double kProfile_s = 2;

double median_of(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  return quantile(values, 0.5);
}

/// Calls `once` a few times, less often where it takes long.
template <class Once>
void repeatedly(const Once& once) {
  const Stopwatch watch;
  for (int i = 0; i < kProfileRuns && (i < 3 || watch.seconds() < kProfile_s); ++i) once(i);
}

void measure_phases(Executor& executor, const BenchPictures& pictures, BenchPhases& phases) {
  std::vector<float> input, run, output;
  repeatedly([&](int i) {
    RunPhases times;
    executor.run_in_phases(pictures.batches[static_cast<size_t>(i) % pictures.batches.size()],
                           times);
    if (times.input_ms) input.push_back(static_cast<float>(*times.input_ms));
    run.push_back(static_cast<float>(times.run_ms));
    if (times.output_ms) output.push_back(static_cast<float>(*times.output_ms));
  });
  phases.run_ms = median_of(run);
  if (!input.empty()) phases.input_ms = median_of(input);
  if (!output.empty()) phases.output_ms = median_of(output);
}

/// Time by layer. The pictures' numbers don't matter here, only their shape.
std::vector<BenchLayer> measure_layers(Executor& executor, const Graph& graph, int batch) {
  Shape shape = graph.input_shape();
  shape[0] = batch;
  const auto count = static_cast<size_t>(element_count(shape));
  const Tensor x = Tensor::from(shape, std::vector<float>(count, 0.46875F));
  std::map<int, std::vector<float>> times;
  std::map<int, std::string> kernels;
  executor.run(x);
  repeatedly([&](int) {
    executor.run(x, [&](const NodeResult& result) {
      times[result.node].push_back(static_cast<float>(result.ms));
      kernels[result.node] = result.kernel;
    });
  });
  std::vector<BenchLayer> layers;
  double sum_ms = 0;
  for (const ExecutorStep& step : executor.steps()) {
    const StepName called = step_name(graph, step.inputs, step.node);
    BenchLayer layer{called.name, called.op, 0, 0, {}, kernels[step.node], {}};
    if (times.count(step.node) > 0) layer.ms = median_of(times[step.node]);
    if (called.macs > 0 && layer.ms > 0) {
      layer.gmacs = 1e-6 * static_cast<double>(called.macs) * batch / layer.ms;
    }
    sum_ms += layer.ms;
    layers.push_back(std::move(layer));
  }
  for (BenchLayer& layer : layers) layer.share = sum_ms > 0 ? layer.ms / sum_ms : 0;
  return layers;
}

struct Compiled {
  LoadedModel model;
  ReadyModel ready;
};

/// The graph's structure alone: what is packed needn't stay in memory beside it.
Graph without_weights(const Graph& graph) {
  static const char nothing = 0;
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes) {
    for (auto& [key, tensor] : node.weights) {
      tensor = Tensor(tensor.dtype(), tensor.shape(),
                      std::shared_ptr<const void>(std::shared_ptr<const void>(), &nothing));
    }
  }
  return graph.with_nodes(std::move(nodes));
}

Compiled compile(const BenchOptions& options, const BenchCase& what, BenchRecord& record) {
  Stopwatch watch;
  LoadedModel model = load_model(what.model, options.foreign, HeadNeed::optional);
  model.graph = with_output(model.graph, options.layer);
  record.phases.load_ms = watch.ms();
  model_read(record.memory);
  watch.restart();
  ReadyModel ready =
      make_ready(model, runtime_of(options, what), threads_of(options, what), options.output.quiet);
  record.phases.compile_ms = watch.ms();
  model.graph = without_weights(model.graph);
  model_compiled(record.memory);
  return {std::move(model), std::move(ready)};
}

/// Resident memory that isn't a file's.
int64_t allocated_bytes() { return resident_bytes() - resident_in_files_bytes(); }

}  // namespace

bool is_cascade_file(const std::string& model) {
  const std::string extension = std::filesystem::path(model).extension().string();
  return extension == ".yaml" || extension == ".yml";
}

RuntimeOptions runtime_of(const BenchOptions& options, const BenchCase& what) {
  RuntimeOptions runtime;
  runtime.workers = what.workers;
  runtime.threads = threads_of(options, what);
  runtime.batch = what.batch;
  runtime.float_type = what.float_type;
  runtime.device = options.device;
  runtime.executor = what.executor;
  return runtime;
}

int threads_of(const BenchOptions& options, const BenchCase& what) {
  return options.threads > 0 ? options.threads : std::max(1, usable_cores() / what.workers);
}

void open_libraries(const BenchOptions& options, const BenchCase& what) {
  const bool torch = what.executor == ExecutorKind::torch || options.device != "cpu";
  const std::string extension = std::filesystem::path(what.model).extension().string();
  const bool maybe_script = extension == ".pt" && options.foreign.architecture.empty();
  if ((torch || maybe_script) && torch_is_there()) torch_backend();
  if (!torch) engine_backend();
}

BenchLatency latency_of(const std::vector<float>& sorted_ms) {
  BenchLatency latency;
  latency.n = static_cast<int64_t>(sorted_ms.size());
  if (sorted_ms.empty()) return latency;
  for (const float ms : sorted_ms) latency.mean_ms += ms / static_cast<double>(sorted_ms.size());
  latency.p50_ms = quantile(sorted_ms, 0.5);
  latency.p90_ms = quantile(sorted_ms, 0.9);
  latency.p95_ms = quantile(sorted_ms, 0.95);
  latency.p99_ms = quantile(sorted_ms, 0.99);
  latency.max_ms = sorted_ms.back();
  return latency;
}

void open_ledger(BenchMemory& m) {
  m.process_bytes = resident_bytes();
  m.library_bytes = -resident_in_files_bytes();
  m.reading_bytes = -allocated_bytes();
}

void model_read(BenchMemory& m) {
  m.reading_bytes += allocated_bytes();
  m.compiling_bytes = -allocated_bytes();
}

void model_compiled(BenchMemory& m) { m.compiling_bytes += allocated_bytes(); }

void close_ledger(BenchMemory& m) {
  m.resident_bytes = resident_bytes();
  m.peak_resident_bytes = std::max(m.resident_bytes, peak_resident_bytes());
  // The model's own file is mapped too, and counted as weights or as unused pages.
  m.library_bytes += resident_in_files_bytes() - m.weights_bytes - m.file_buffer_bytes;
  // Compiling may free what reading left.
  m.compiling_bytes -= m.packed_weights_bytes;
  if (m.compiling_bytes < 0) {
    m.reading_bytes = std::max<int64_t>(0, m.reading_bytes + m.compiling_bytes);
    m.compiling_bytes = 0;
  }
  m.unexplained_bytes = m.resident_bytes - m.process_bytes - m.weights_bytes -
                        m.packed_weights_bytes - m.arena_bytes - m.scratchpad_bytes -
                        m.file_buffer_bytes - m.decode_queue_bytes - m.library_bytes -
                        m.reading_bytes - m.compiling_bytes;
}

int64_t unused_file_bytes(const std::string& model, int64_t weights_bytes) {
  return std::max<int64_t>(0, resident_file_bytes(model) - weights_bytes);
}

MachineWatch::MachineWatch() {
  machine_.cpu = cpu_name();
  machine_.load_average = load_average();
  const ProcessorTimes now = processor_times();
  own_s_ = now.own_s;
  busy_s_ = now.busy_s;
  steal_s_ = now.steal_s;
  total_s_ = now.total_s;
}

BenchMachine MachineWatch::finish() const {
  BenchMachine machine = machine_;
  const OtherLoad other = load_between({own_s_, busy_s_, steal_s_, total_s_}, processor_times());
  machine.others_ratio = other.others_ratio;
  machine.steal_ratio = other.steal_ratio;
  return machine;
}

BenchRecord measure_model(const BenchOptions& options, const BenchCase& what) {
  BenchRecord record;
  record.model = what.model;
  record.output = options.layer;
  record.batch = what.batch;
  record.workers = what.workers;
  record.threads = threads_of(options, what);
  record.clients = options.clients;
  open_libraries(options, what);
  open_ledger(record.memory);
  const Compiled compiled = compile(options, what, record);
  Executor& executor = *compiled.ready.executor;
  record.precision = compiled.model.precision;
  record.computed_by = compiled.ready.computed_by;
  const BenchPictures pictures = bench_pictures(options.images, compiled.model.preprocessing,
                                                what.batch, kMostPictures, options.output.quiet);
  record.input = pictures.what;
  record.phases.decode_ms = pictures.decode_ms;
  record.phases.resize_ms = pictures.resize_ms;
  // On a thread of its own, whose OpenMP threads end with it (see engine/executor.cpp).
  run_workers(1, [&](int) {
    const Stopwatch watch;
    executor.run(pictures.batches[0]);
    record.phases.first_run_ms = watch.ms();
  });
  const MachineWatch machine;
  LoopPlan plan;
  plan.workers = what.workers;
  plan.clients = options.clients;
  plan.batch = what.batch;
  plan.warmup = options.warmup;
  plan.window_s = options.window;
  const auto batches = static_cast<int64_t>(pictures.batches.size());
  const LoopResult loop = run_closed_loop(plan, [&](int caller, int64_t number) {
    executor.run(pictures.batches[static_cast<size_t>((caller + number) % batches)]);
  });
  record.machine = machine.finish();
  record.latency = latency_of(loop.latencies_ms);
  record.throughput = {loop.images_per_second, {}, loop.windows, loop.stable};
  record.repeats = {loop.images_per_second};
  const MemoryUse use = executor.memory();
  BenchMemory& memory = record.memory;
  memory.weights_bytes = use.weights_bytes;
  memory.packed_weights_bytes = use.packed_weights_bytes;
  memory.arena_bytes = use.arena_bytes;
  memory.scratchpad_bytes = use.scratchpad_bytes;
  memory.device_bytes = use.device_bytes;
  memory.file_buffer_bytes = unused_file_bytes(what.model, use.weights_bytes);
  memory.decode_queue_bytes = pictures.size_bytes();
  if (use.arena_peak_node >= 0) {
    memory.arena_peak_layer = compiled.model.graph.node(use.arena_peak_node).name;
  }
  close_ledger(memory);
  measure_phases(executor, pictures, record.phases);
  record.layers = measure_layers(executor, compiled.model.graph, what.batch);
  return record;
}

}  // namespace fpcls
