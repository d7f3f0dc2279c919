#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metrics/evaluation.h"
#include "report/document.h"
#include "run/bench_record.h"
#include "run/prune.h"

/// The whole chain: a model pruned, trained again, folded and quantized, each step judged on the
/// same pictures and measured on this machine: what every step saves, and what it costs.
namespace fpcls {

struct CompressOptions {
  PruneOptions prune;  ///< model, channels, training; its files are those of `out`
  std::vector<std::string> test;
  std::vector<std::string> calibrate_on;
  int64_t calibration_count = 512;
  bool int8 = true;
  int repeats = 3;
  std::string out;
  bool resume = false;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("model", prune.model, "Model file");
    v.option("test", test, "Labelled pictures that every step is judged on");
    v.option("int8", int8, "Quantize at the end");
    v.option("calibrate_on", calibrate_on,
             "Pictures that the int8 ranges are taken from; unless given, those to train on");
    v.option("calibration_count", calibration_count, "So many of them", Range<int64_t>{1, 100000});
    v.option("repeats", repeats, "Processes that measure each step, in turns", Range{1, 100});
    v.option("o,out", out, "Folder to write: each step's model, what it says, and the waterfall");
    v.option("resume", resume, "Go on in a folder that holds the same recipe");
    prune.describe_channels(v);
    TrainingWithoutJournal training{prune.fine_tune};
    v.group("Training", training);
    v.group("Models from elsewhere", prune.foreign);
    v.group("Output", output);
  }
};

/// Differences of a step to another, over the same pictures.
struct StepChange {
  /// By how many points each bucket's share is larger.
  std::array<double, kBucketBounds.size()> shift_points{};
  int64_t flips = 0;  ///< pictures with another answer
};

struct ChainStep {
  std::string name;   ///< dense, pruned, tuned, folded, int8
  std::string model;  ///< its file
  std::string precision;
  int64_t size_bytes = 0;  ///< of the file
  int64_t parameters = 0, macs = 0;
  BenchLatency latency;  ///< for one picture, one after the other
  BenchMemory memory;
  std::string label;  ///< that precision and recall are about
  std::optional<double> precision_ratio, recall_ratio;
  Buckets buckets;
  std::optional<StepChange> against_dense, against_before;  ///< absent for the first step
};

struct CompressResult {
  std::vector<ChainStep> steps;
  int64_t pictures = 0;  ///< judged
  std::vector<std::string> remarks;
};

/// Writes into `options.out`; what is there already is taken as it is where the run is resumed.
/// `program` is this program, which measures in processes of its own. Throws Error before the long
/// work for what can't be done.
CompressResult run_compress(const CompressOptions& options, const std::string& program);

Document compress_document(const CompressResult& result);
std::string compress_json(const CompressResult& result);
/// Bars for each step, a panel for each thing that it may save or cost.
std::string compress_svg(const CompressResult& result);

}  // namespace fpcls
