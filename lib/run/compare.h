#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compress/layer_walk.h"
#include "report/document.h"
#include "run/common_options.h"

/// Where two models, or two ways of running one, diverge, layer by layer.
namespace fpcls {

struct CompareOptions {
  std::vector<std::string> models;
  std::vector<std::string> input;
  std::vector<ExecutorKind> executor;
  std::vector<FloatType> float_type;
  std::string layer;
  std::optional<double> tolerance;
  int batch = 8;
  int threads = 0;
  std::string device = "cpu";
  ForeignModelOptions foreign;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("models", models, "Model file, or two");
    v.option(
        "input", input,
        "What both are given: a number that fills the normalised input (0.46875 unless given), "
        "pictures and folders, or a .safetensors file with the tensor x (f32 NCHW, normalised); "
        "may be given several times");
    v.option("executor", executor, "What runs the models; two values: one for each side");
    v.option("float", float_type,
             "What the layers of the engine compute in; two values: one for each side");
    v.option("output", layer, "Compare only what this layer needs");
    v.option("tolerance", tolerance,
             "Difference from which on a layer diverges, over the largest magnitude of its results "
             "(0.001; 0.1 where a side computes in bf16 or one model is int8)",
             at_least(0.0));
    v.option("batch", batch, "Pictures that a model is given at once", Range{1, 4096});
    v.option("threads", threads, "Threads; 0: one a core", Range{0, 1024});
    v.option("device", device, "Where the torch executor runs: cpu, cuda or cuda:N");
    v.group("Models from elsewhere", foreign);
    v.group("Output", output);
  }
};

/// One side as it was run.
struct ComparedSide {
  std::string model;        ///< its file
  std::string computed_by;  ///< "engine cpu f32"
};

struct CompareResult {
  ComparedSide first, second;
  std::string input;  ///< "0.46875", "1,000 pictures, 2 of them undecodable"
  int64_t pictures = 0;
  double tolerance = 0;
  std::vector<WalkedLayer> layers;
  std::vector<std::string> misshapen;  ///< layers left out because their shapes differ
  int first_divergent = -1;            ///< index into `layers`; -1: none
  int worst_injected = -1;
  int64_t most_held_bytes = 0;
};

/// Batch norm is folded into the convolutions on both sides first, so that folded and unfolded
/// models have the same layers.
CompareResult run_compare(const CompareOptions& options);
Document compare_document(const CompareResult& result);
std::string compare_json(const CompareResult& result);

}  // namespace fpcls
