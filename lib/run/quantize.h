#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compress/range_choice.h"
#include "report/document.h"
#include "run/common_options.h"
#include "run/load_model.h"
#include "tune/accuracy_control.h"
#include "tune/equalizing.h"
#include "tune/objective.h"
#include "tune/quantizing.h"

/// Makes an int8 model of a calibrated one.
namespace fpcls {

struct QuantizeOptions {
  std::string model;
  std::string calibration;
  std::vector<std::string> pictures;
  RangeMethod ranges = RangeMethod::automatic;
  double percentile = 99.99;
  std::vector<std::string> keep;
  std::vector<std::string> keep_bf16;
  bool keep_biases = false;
  bool keep_scales = false;
  bool keep_classifier = false;
  std::optional<int> weight_bits;
  int activation_bits = 8;
  std::vector<std::string> validation;
  std::string label_map;
  std::optional<double> max_shift;
  double minutes = 30;
  std::string objective = "error=1,time=0.1,size=0.01";
  std::string unbeaten;
  std::string journal;
  bool resume = false;
  std::string out;
  ForeignModelOptions foreign;
  int workers = 0;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("model", model, "Model file");
    v.path("calibration", calibration, "File that 'fpcls calibrate' wrote for this model");
    v.option("pictures", pictures,
             "Folder where the calibration's pictures are now, if they have moved");
    v.option("ranges", ranges,
             "How each result's range is chosen: auto takes what loses least, result by result");
    v.option("percentile", percentile,
             "Share of the values that --ranges percentile keeps, in percent", Range{50.0, 100.0});
    v.option("keep", keep, "Layer that stays as it is");
    v.option("keep_bf16", keep_bf16,
             "Layer that gets bf16 weights and reads numbers rounded to bf16, instead of integers");
    v.option("keep_biases", keep_biases, "Leave the biases, though the channels' means shift");
    v.option("keep_scales", keep_scales,
             "Leave the scales of channels, instead of equalising them between two layers where "
             "that lowers the noise");
    v.option("keep_classifier", keep_classifier,
             "Leave the classifier, instead of solving it again from the int8 features to the "
             "scores before");
    v.option("weight_bits", weight_bits,
             "Bits of the weights: 8, or 7 for processors whose products of 8 bits saturate; "
             "unless given, what this processor needs",
             Range{7, 8});
    v.option("activation_bits", activation_bits,
             "Bits of results that are never negative: 8, or 7, which keeps 8-bit weights from "
             "saturating on processors without VNNI; layers that read negative numbers get 7-bit "
             "weights instead",
             Range{7, 8});
    v.option("validation", validation,
             "Labelled pictures on which the scores before and after are compared; may be given "
             "again");
    v.path("label_map", label_map,
           "YAML file that renames labels ('folder: label') or drops them ('folder: ~')");
    v.option(
        "max_shift", max_shift,
        "Points that a bucket, precision or recall on --validation may move, up or down: other "
        "ranges are tried, then layers are restored, to bf16 where this processor multiplies that "
        "fast and to f32 where bf16 isn't enough, until that holds",
        Range{0.0, 100.0});
    v.option("minutes", minutes, "Begin no more trials after this long", Range{0.0, 1e6});
    v.option("objective", objective,
             "Order of the models that --max-shift tried, best first: what a point of shift, a "
             "percent of the f32 model's time and one of its size are worth");
    v.option("unbeaten", unbeaten,
             "Folder that keeps the models tried that no other beats in shift, time and size");
    v.option("journal", journal, "File that keeps each trial of --max-shift");
    v.option("resume", resume, "Go on from the journal, if it is there");
    v.option("o,out", out, "Model file to write (.safetensors)");
    v.group("Models from elsewhere", foreign);
    v.option("workers", workers, "Pictures worked on at once; 0: one a core", Range{0, 1024});
    v.group("Output", output);
  }
};

/// The scores before and after, on labelled pictures.
struct ValidationResult {
  ScoreFigures before, after;
  ScoreMigration migration;
  double shift_points = 0;
  std::vector<std::pair<std::string, std::string>> bad;  ///< path and why it couldn't be decoded
};

/// How the search for a model within --max-shift went.
struct SearchResult {
  std::vector<ControlTrial> trials;
  size_t chosen = 0;
  bool reached = false;
  std::string ended;
  Objective objective;
  std::vector<double> costs;  ///< of each trial, by the objective
};

struct QuantizeResult {
  explicit QuantizeResult(QuantizingResult quantized) : made(std::move(quantized)) {}

  QuantizingResult made;
  std::vector<EqualizedPair> equalized;  ///< pairs of layers that were tried
  std::string isa;  ///< instructions that this processor computes int8 with
  int64_t size_before_bytes = 0, size_bytes = 0;  ///< of the model files
  double f32_ms = 0, int8_ms = 0;                 ///< median for one picture on one thread
  std::optional<ValidationResult> validation;
  std::optional<SearchResult> search;
};

/// Throws Error, before any picture is opened, where the model is quantized already, the
/// calibration is of another model or preprocessing, or the file can't be written; later where a
/// picture is gone or isn't the same.
QuantizeResult run_quantize(const QuantizeOptions& options);
/// With a table of all layers where `layers` says so.
Document quantize_document(const QuantizeResult& result, bool layers);
std::string quantize_json(const QuantizeResult& result);

}  // namespace fpcls
