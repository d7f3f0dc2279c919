#include "run/compare.h"

#include "commands.h"
#include "run/format_document.h"

namespace fpcls {

Command compare_command() {
  return make_command<CompareOptions>(
      {"compare", "where two models diverge, layer by layer",
       "Runs both on the same input and says, for each layer that both compute, the error that it\n"
       "injects (the second's layer on the first's inputs) and the error so far. Names the first\n"
       "layer that diverges and the one that injects most.",
       "  fpcls compare wireframe.safetensors wireframe-2.safetensors\n"
       "  fpcls compare wireframe.safetensors --executor torch,engine --input 0.46875\n"
       "  fpcls compare wireframe.safetensors --float f32,bf16 --input datasets/sample --format "
       "json"},
      [](const CompareOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const CompareResult result = run_compare(options);
        fmt::print("{}", format_document(compare_document(result), "layers", options.output.format,
                                         [&] { return compare_json(result); }));
        return 0;
      });
}

}  // namespace fpcls
