#pragma once

#include <string>

#include "run/common_options.h"

/// Writes a model in another form: fpcls's own file, or TorchScript for Python.
namespace fpcls {

struct ExportOptions {
  std::string model;
  std::string out;
  ForeignModelOptions foreign;
  OutputOptions output;

  template <class Visitor>
  void describe(Visitor& v) {
    v.positional("model", model, "Model file");
    v.path("o,out", out,
           "File to write: .safetensors an fpcls model, .pt TorchScript, which torch.jit.load "
           "reads");
    v.group("Models from elsewhere", foreign);
    v.group("Output", output);
  }
};

struct ExportResult {
  std::string form;  ///< "fpcls model" or "TorchScript"
  std::string out;
  int64_t size_bytes = 0;
  int64_t parameters = 0;
};

/// Throws Error where the model can't be read, lacks what the new form must say, or has an op that
/// the new form doesn't know. The file is written whole or not at all.
ExportResult run_export(const ExportOptions& options);

/// "out", "form", "size_bytes" and "parameters".
std::string export_json(const ExportResult& result);

}  // namespace fpcls
