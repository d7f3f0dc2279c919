#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/enum_names.h"
#include "base/range.h"
#include "exec/backend.h"
#include "graph/preprocessing.h"

/// Groups of options that several commands share, each declared here once.
namespace fpcls {

enum class OutputFormat { text, markdown, json, csv };

template <>
struct EnumNames<OutputFormat> {
  static constexpr std::pair<OutputFormat, std::string_view> entries[] = {
      {OutputFormat::text, "text"},
      {OutputFormat::markdown, "markdown"},
      {OutputFormat::json, "json"},
      {OutputFormat::csv, "csv"}};
};

enum class LabelSource { automatic, none };

template <>
struct EnumNames<LabelSource> {
  static constexpr std::pair<LabelSource, std::string_view> entries[] = {
      {LabelSource::automatic, "auto"}, {LabelSource::none, "none"}};
};

/// Where the pictures come from.
struct InputOptions {
  std::vector<std::string> inputs;
  LabelSource labels = LabelSource::automatic;
  std::string label_map;
  std::string slice_by;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("inputs", inputs,
                 "Pictures, folders, .csv/.tsv manifests, or - for one path a line on stdin");
    v.option("labels", labels, "Where labels come from: folder names and manifests, or nowhere");
    v.path("label_map", label_map,
           "YAML file that renames labels ('folder: label') or drops them ('folder: ~')");
    v.option("slice_by", slice_by, "Manifest column whose values are the report's slices");
  }
};

/// How the work is run.
struct RuntimeOptions {
  int workers = 0;
  int threads = 0;
  int batch = 8;
  FloatType float_type = FloatType::f32;
  std::string device = "cpu";
  ExecutorKind executor = ExecutorKind::automatic;

  template <class Visitor>
  void describe(Visitor& v) {
    v.option("workers", workers, "Pictures and batches worked on at once; 0: one a core",
             Range{0, 1024});
    v.option("threads", threads,
             "Threads of each worker; 0: one, or, for fewer pictures than cores, all cores together",
             Range{0, 1024});
    v.option("batch", batch, "Pictures that a model is given at once", Range{1, 4096});
    v.option("device", device, "Where the torch executor runs: cpu, cuda or cuda:N");
    v.option("executor", executor,
             "What runs the models: the engine, or libtorch where the engine can't");
    v.option("float", float_type, "What the layers of the engine compute in");
  }
};

/// Workers and threads as the options say; where they leave it open, so that every core is busy and
/// none has two threads: with fewer than `pictures` a core, several threads work on each.
struct Parallelism {
  int workers = 1;
  int threads = 1;
};
Parallelism parallelism(const RuntimeOptions& options, int64_t pictures);

/// What is said, and in which form.
struct OutputOptions {
  OutputFormat format = OutputFormat::text;
  bool quiet = false;
  bool verbose = false;

  template <class Visitor>
  void describe(Visitor& v) {
    v.option("format", format, "Form of what goes to stdout");
    v.option("quiet", quiet, "No progress, no remarks");
    v.option("verbose", verbose, "Say what is run, and on what");
  }
};

/// What a model file from elsewhere can't say of itself.
struct ForeignModelOptions {
  std::string architecture;
  std::vector<std::string> model_labels;
  std::string positive;
  std::optional<int> size;
  std::optional<Fit> fit;
  std::optional<int> resize;
  std::optional<Decode> decode;
  std::vector<float> mean;
  std::vector<float> std;

  template <class Visitor>
  void describe(Visitor& v) {
    describe_as("model_labels", v);
  }

  /// `labels_key` is "labels" where no other option has that name.
  template <class Visitor>
  void describe_as(const std::string& labels_key, Visitor& v) {
    v.option("architecture", architecture,
             "Network that plain weights belong to, such as resnet50");
    v.option(labels_key, model_labels, "Label of each output of the model, in order");
    v.option("positive", positive, "Label that the model's score speaks for");
    v.option("size", size, "Height and width of the model's input, in pixels", Range{8, 4096});
    v.option("fit", fit, "How a picture is brought to that size");
    v.option("resize", resize, "Length of the short side before a centre crop, in pixels",
             Range{8, 8192});
    v.option("decode", decode, "Whether large JPEG files may be decoded at reduced size");
    v.option("mean", mean, "Mean of each channel, R G B, of values in 0..1", Range{-10.0F, 10.0F});
    v.option("std", std, "Standard deviation of each channel, R G B", Range{1e-6F, 100.0F});
  }
};

}  // namespace fpcls
