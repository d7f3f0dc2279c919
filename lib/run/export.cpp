#include "run/export.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "exec/backend.h"
#include "model/model_file.h"
#include "model/script_notes.h"
#include "run/load_model.h"
#include "run/version.h"

namespace fpcls {
namespace {

enum class Form { fpcls, torchscript };

Form form_of(const std::string& out) {
  const std::string extension = std::filesystem::path(out).extension().string();
  if (extension == ".safetensors") return Form::fpcls;
  if (extension == ".pt") return Form::torchscript;
  fail("--out {}: ends with {}, expected .safetensors (an fpcls model) or .pt (TorchScript)",
       quoted(out), quoted(extension));
}

Metadata metadata_of(const LoadedModel& model) {
  Metadata metadata;
  metadata.head = model.head;
  metadata.preprocessing = model.preprocessing;
  metadata.accept = model.accept;
  metadata.precision = model.precision;
  metadata.architecture = model.architecture;
  metadata.provenance = model.provenance;
  metadata.provenance.emplace_back("exported_from", model.sha256);
  metadata.provenance.emplace_back("exported_by", std::string("fpcls ") + version());
  return metadata;
}

}  // namespace

ExportResult run_export(const ExportOptions& options) {
  if (options.model.empty()) fail("export: no model given; name its file");
  if (options.out.empty()) fail("export: no --out given; name the file to write");
  const Form form = form_of(options.out);
  // Python needs no labels; a model of ours can't be without.
  const LoadedModel model =
      load_model(options.model, options.foreign,
                 form == Form::fpcls ? HeadNeed::required : HeadNeed::optional);
  Metadata metadata = metadata_of(model);
  if (!model.labels_known) metadata.head = {};
  if (form == Form::fpcls) {
    save_model_file(options.out, model.graph, metadata);
  } else {
    torch_backend().save_torchscript(options.out, model.graph, script_notes_text(metadata));
  }
  return {form == Form::fpcls ? "fpcls model" : "TorchScript", options.out,
          static_cast<int64_t>(std::filesystem::file_size(options.out)),
          parameter_count(model.graph)};
}

std::string export_json(const ExportResult& result) {
  const nlohmann::ordered_json json{{"out", result.out},
                                    {"form", result.form},
                                    {"size_bytes", result.size_bytes},
                                    {"parameters", result.parameters}};
  return json.dump(2) + "\n";
}

}  // namespace fpcls
