#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/document.h"
#include "run/common_options.h"
#include "run/load_model.h"

/// What is inside a model file, and whether fpcls computes what PyTorch does.
namespace fpcls {

enum class InspectFormat { text, markdown, json, csv, dot };

template <>
struct EnumNames<InspectFormat> {
  static constexpr std::pair<InspectFormat, std::string_view> entries[] = {
      {InspectFormat::text, "text"},
      {InspectFormat::markdown, "markdown"},
      {InspectFormat::json, "json"},
      {InspectFormat::csv, "csv"},
      {InspectFormat::dot, "dot"}};
};

struct InspectOutputOptions {
  InspectFormat format = InspectFormat::text;
  std::string out;
  bool quiet = false;
  bool verbose = false;

  template <class Visitor>
  void describe(Visitor& v) {
    v.option("format", format, "Form of what goes to stdout; dot is a drawing of the graph");
    v.path("o,out", out,
           "Write the drawing there: .dot, or .svg, .png, .pdf where Graphviz is installed");
    v.option("quiet", quiet, "No progress, no remarks");
    v.option("verbose", verbose, "Say what is run, and on what");
  }
};

struct InspectOptions {
  std::string model;
  ForeignModelOptions foreign;
  std::string verify;
  double tolerance = 1e-4;
  RuntimeOptions runtime;
  InspectOutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("model", model, "Model file");
    v.option(
        "verify", verify,
        "Run the tensor x of this .safetensors file (f32 NCHW, normalised) and compare with its y");
    v.option("tolerance", tolerance, "Largest difference over max(1, |y|) that --verify accepts",
             at_least(0.0));
    v.group("Models from elsewhere", foreign);
    v.group("Running", runtime);
    v.group("Output", output);
  }
};

/// The largest difference of one executor's outputs, over max(1, |y|).
struct Verification {
  std::string executor;
  double difference = 0;
  bool passed = false;
};

struct InspectResult {
  LoadedModel model;
  std::vector<Verification> verifications;  ///< empty unless asked for
  bool passed() const;
};

InspectResult run_inspect(const InspectOptions& options);
Document inspect_document(const InspectResult& result);
std::string inspect_json(const InspectResult& result);
/// What goes to stdout.
std::string inspect_text(const InspectResult& result, InspectFormat format);

}  // namespace fpcls
