#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compress/range_choice.h"
#include "report/document.h"
#include "run/common_options.h"
#include "run/load_model.h"
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
  bool keep_biases = false;
  bool keep_classifier = false;
  std::optional<int> weight_bits;
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
    v.option("keep_biases", keep_biases, "Leave the biases, though the channels' means shift");
    v.option("keep_classifier", keep_classifier,
             "Leave the classifier, instead of solving it again from the int8 features to the "
             "scores before");
    v.option("weight_bits", weight_bits,
             "Bits of the weights: 8, or 7 for processors whose products of 8 bits saturate; "
             "unless given, what this processor needs",
             Range{7, 8});
    v.option("o,out", out, "Model file to write (.safetensors)");
    v.group("Models from elsewhere", foreign);
    v.option("workers", workers, "Pictures worked on at once; 0: one a core", Range{0, 1024});
    v.group("Output", output);
  }
};

struct QuantizeResult {
  QuantizingResult made;
  std::string isa;  ///< instructions that this processor computes int8 with
  int64_t size_before_bytes = 0, size_bytes = 0;  ///< of the model files
  double f32_ms = 0, int8_ms = 0;                 ///< median for one picture on one thread
};

/// Throws Error, before any picture is opened, where the model is quantized already, the
/// calibration is of another model or preprocessing, or the file can't be written; later where a
/// picture is gone or isn't the same.
QuantizeResult run_quantize(const QuantizeOptions& options);
/// With a table of all layers where `layers` says so.
Document quantize_document(const QuantizeResult& result, bool layers);
std::string quantize_json(const QuantizeResult& result);

}  // namespace fpcls
