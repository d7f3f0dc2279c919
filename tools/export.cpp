#include "run/export.h"

#include "base/text.h"
#include "commands.h"

namespace fpcls {

Command export_command() {
  return make_command<ExportOptions>(
      {"export", "write a model in another form",
       "Writes an fpcls model, or TorchScript that gives the same logits in Python:\n"
       "torch.jit.load('model.pt')(x). Labels and preprocessing go along, in the extra file "
       "fpcls.json.",
       "  fpcls export models/wireframe.safetensors -o wireframe.pt\n"
       "  fpcls export resnet50.pt --model-labels cat --model-labels dog --positive dog -o "
       "dogs.safetensors"},
      [](const ExportOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const ExportResult result = run_export(options);
        if (options.output.format == OutputFormat::json) {
          fmt::print("{}", export_json(result));
        } else {
          fmt::print("{}: {}, {}, {} parameters\n", result.out, result.form,
                     format_bytes(result.size_bytes), with_thousands(result.parameters));
        }
        return 0;
      });
}

}  // namespace fpcls
