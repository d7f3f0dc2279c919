#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "report/document.h"
#include "run/bench_record.h"
#include "run/common_options.h"

/// How fast models run here, and where time and memory go.
///
/// Every combination of what is asked for (model, executor, type, batch, workers) is a case. A
/// single case is measured in this process; several are measured in processes of their own, one
/// after the other, so that none sees another's memory, and in turns where they are repeated, so
/// that whatever changes on the machine meets them all.
namespace fpcls {

struct BenchOptions {
  std::vector<std::string> models;
  std::string against;
  std::vector<ExecutorKind> executor;
  std::vector<FloatType> float_type;
  std::vector<int> batch = {1};
  std::vector<int> workers = {1};
  int threads = 0;
  int clients = 0;
  std::string device = "cpu";
  std::string layer;
  std::vector<std::string> images;
  int repeats = 0;
  int warmup = 10;
  double window = 0.5;
  bool noise = false;
  double price = 0;
  std::string curve;
  int layers = 12;
  ForeignModelOptions foreign;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("models", models, "Model files, or a cascade's .yaml file (with --images)");
    v.path("against", against, "Model file that all others are compared with");
    v.option("batch", batch, "Pictures in a batch; several make a curve", Range{1, 4096});
    v.option("workers", workers, "Batches run at once; several make a curve", Range{1, 1024});
    v.option("threads", threads, "Threads of each worker; 0: the cores divided by the workers",
             Range{0, 1024});
    v.option("clients", clients,
             "Callers, each of which waits for its answer before it asks again; the workers serve "
             "them in turn, and waiting counts; 0: each worker calls for itself",
             Range{0, 1024});
    v.option("executor", executor, "What runs the models; several are compared");
    v.option("float", float_type,
             "What the layers of the engine compute in; several are compared");
    v.option("device", device, "Where the torch executor runs: cpu, cuda or cuda:N");
    v.option("output", layer, "Run only what this layer needs");
    v.option("images", images, "Pictures to run on (files, folders, manifests); else noise");
    v.option("repeats", repeats,
             "Processes for each case; 0: 10 where models, executors or types are compared, else 1",
             Range{0, 1000});
    v.option("warmup", warmup, "Runs before anything is measured", Range{1, 100000});
    v.option("window", window,
             "Seconds of a measured window; three in a row must agree within 5 %, of 10 at most",
             Range{0.01, 600.0});
    v.option("noise", noise,
             "Compare scores of batch 1 with those of the largest batch, and of one thread with "
             "those of all");
    v.option("price", price, "Price of this machine an hour: says what a million pictures cost",
             at_least(0.0));
    v.path("curve", curve, "Write the throughput over batch sizes as SVG to this file");
    v.option("layers", layers, "Slowest layers to show as text; JSON and CSV have all",
             Range{0, 100000});
    v.group("Models from elsewhere", foreign);
    v.group("Output", output);
  }
};

struct BenchResult {
  std::vector<BenchRecord> records;
  std::vector<std::string> remarks;  ///< a busy machine, windows that didn't agree
};

/// `program` is this program, which is started again for cases of their own.
BenchResult run_bench(const BenchOptions& options, const std::string& program);

Document bench_document(const BenchOptions& options, const BenchResult& result);
/// The throughput of all records as an SVG file.
std::string bench_curve_svg(const BenchResult& result);

}  // namespace fpcls
