#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What `bench` says of one case: an element of its JSON. Each struct names its fields once, for
/// writing and for reading what another process measured.
namespace fpcls {

struct BenchLatency {
  double mean_ms = 0, p50_ms = 0, p90_ms = 0, p95_ms = 0, p99_ms = 0, max_ms = 0;
  int64_t n = 0;  ///< runs (of a cascade: pictures) that these are of

  template <class Fields>
  void describe(Fields& f) {
    f("p50_ms", p50_ms);
    f("p90_ms", p90_ms);
    f("p95_ms", p95_ms);
    f("p99_ms", p99_ms);
    f("mean_ms", mean_ms);
    f("max_ms", max_ms);
    f("n", n);
  }
};

struct BenchThroughput {
  double images_per_second = 0;
  std::optional<double> cost_per_million;  ///< in the unit of --price
  int64_t windows = 0;                     ///< measured
  bool stable = false;  ///< the last three agree within 5 %; they are what is reported

  template <class Fields>
  void describe(Fields& f) {
    f("images_per_second", images_per_second);
    f("cost_per_million", cost_per_million);
    f("windows", windows);
    f("stable", stable);
  }
};

/// Of one batch. `input`, `run`, `output` are medians; absent where nobody knows.
struct BenchPhases {
  double load_ms = 0;       ///< from the file to a graph
  double compile_ms = 0;    ///< from the graph to an executor
  double first_run_ms = 0;  ///< first use of a batch size included
  std::optional<double> input_ms, run_ms, output_ms;
  std::optional<double> decode_ms, resize_ms;  ///< of one picture, with --images

  template <class Fields>
  void describe(Fields& f) {
    f("load_ms", load_ms);
    f("compile_ms", compile_ms);
    f("first_run_ms", first_run_ms);
    f("input_ms", input_ms);
    f("run_ms", run_ms);
    f("output_ms", output_ms);
    f("decode_ms", decode_ms);
    f("resize_ms", resize_ms);
  }
};

/// The parts add up to `resident_bytes`, by the definition of `unexplained_bytes`.
struct BenchMemory {
  int64_t weights_bytes = 0;         ///< used as they stand in the file or in the graph
  int64_t packed_weights_bytes = 0;  ///< rearranged for the kernels
  int64_t arena_bytes = 0;           ///< intermediate results
  int64_t scratchpad_bytes = 0;      ///< the kernels' own
  int64_t file_buffer_bytes = 0;     ///< resident pages of the model's file that nothing uses
  int64_t decode_queue_bytes = 0;    ///< pictures held ready
  int64_t process_bytes = 0;         ///< resident just before loading, libraries opened
  int64_t library_bytes = 0;         ///< pages of libraries first touched since then: their code
  int64_t reading_bytes = 0;    ///< what reading the model left allocated: the graph, libtorch's
  int64_t compiling_bytes = 0;  ///< likewise of compiling, without packed weights: kernels' code
  int64_t unexplained_bytes = 0;
  int64_t resident_bytes = 0;       ///< after running
  int64_t peak_resident_bytes = 0;  ///< at any moment, loading included
  int64_t device_bytes = 0;
  std::string arena_peak_layer;  ///< whose result makes the arena as large as it is

  template <class Fields>
  void describe(Fields& f) {
    f("weights_bytes", weights_bytes);
    f("packed_weights_bytes", packed_weights_bytes);
    f("arena_bytes", arena_bytes);
    f("scratchpad_bytes", scratchpad_bytes);
    f("file_buffer_bytes", file_buffer_bytes);
    f("decode_queue_bytes", decode_queue_bytes);
    f("process_bytes", process_bytes);
    f("library_bytes", library_bytes);
    f("reading_bytes", reading_bytes);
    f("compiling_bytes", compiling_bytes);
    f("unexplained_bytes", unexplained_bytes);
    f("resident_bytes", resident_bytes);
    f("peak_resident_bytes", peak_resident_bytes);
    f("device_bytes", device_bytes);
    f("arena_peak_layer", arena_peak_layer);
  }
};

/// One kernel: a layer with what is fused into it; of a cascade, a stage.
struct BenchLayer {
  std::string name, op;
  double ms = 0;     ///< median over runs of one batch; of a stage, mean over the pictures it saw
  double share = 0;  ///< of the sum over all
  std::optional<double> gmacs;  ///< 1e9 multiply-accumulates a second; absent where there are none
  std::string kernel;
  std::optional<int64_t> images;  ///< that the stage saw

  template <class Fields>
  void describe(Fields& f) {
    f("name", name);
    f("op", op);
    f("ms", ms);
    f("share", share);
    f("gmacs", gmacs);
    f("kernel", kernel);
    f("images", images);
  }
};

/// What else the machine did while this was measured.
struct BenchMachine {
  std::string cpu;
  double others_ratio = 0;             ///< of all processor time, used by other processes
  double steal_ratio = 0;              ///< the same, taken by the host of a virtual machine
  std::optional<double> load_average;  ///< over the minute before

  template <class Fields>
  void describe(Fields& f) {
    f("cpu", cpu);
    f("others_ratio", others_ratio);
    f("steal_ratio", steal_ratio);
    f("load_average", load_average);
  }
};

/// Compared with the same batch and workers of the base, over repeated processes.
struct BenchAgainst {
  std::string base;                 ///< what it is compared with
  double speed_ratio = 1;           ///< this one's throughput over the base's
  std::optional<double> low, high;  ///< 95 %
  std::optional<double> p;          ///< Mann-Whitney U, two-sided
  bool significant = false;         ///< p <= 0.05

  template <class Fields>
  void describe(Fields& f) {
    f("base", base);
    f("speed_ratio", speed_ratio);
    f("low", low);
    f("high", high);
    f("p", p);
    f("significant", significant);
  }
};

struct BenchNoise {
  std::string what;  ///< "batch 1 against 8"
  int64_t images = 0;
  double largest_difference = 0;  ///< of any score
  int64_t flips = 0;              ///< pictures with another answer

  template <class Fields>
  void describe(Fields& f) {
    f("what", what);
    f("images", images);
    f("largest_difference", largest_difference);
    f("flips", flips);
  }
};

struct BenchRecord {
  std::string model;        ///< the file as it was given
  std::string precision;    ///< "f32"
  std::string computed_by;  ///< "engine cpu f32"
  std::string output;       ///< the layer that was run up to; empty: the whole model
  std::string input;        ///< "noise", "140 pictures"
  int64_t batch = 1, threads = 1, workers = 1, clients = 0;
  BenchLatency latency;
  BenchThroughput throughput;
  BenchPhases phases;
  BenchMemory memory;
  std::vector<BenchLayer> layers;
  BenchMachine machine;
  std::vector<double> repeats;  ///< images per second of each process
  std::optional<BenchAgainst> against;
  std::vector<BenchNoise> noise;

  /// "resnet50.safetensors, engine cpu bf16".
  std::string subject() const;

  template <class Fields>
  void describe(Fields& f) {
    f("model", model);
    f("precision", precision);
    f("computed_by", computed_by);
    f("output", output);
    f("input", input);
    f("batch", batch);
    f("threads", threads);
    f("workers", workers);
    f("clients", clients);
    f("latency", latency);
    f("throughput", throughput);
    f("phases", phases);
    f("memory", memory);
    f("layers", layers);
    f("machine", machine);
    f("repeats", repeats);
    f("against", against);
    f("noise", noise);
  }
};

/// A JSON list with an object for each; absent values are left out.
std::string bench_json(const std::vector<BenchRecord>& records);
/// Reads that back. Throws Error, beginning with `where`, for what isn't such a list.
std::vector<BenchRecord> parse_bench_json(std::string_view json, const std::string& where);

}  // namespace fpcls
