#include "run/inspect.h"

#include "commands.h"

namespace fpcls {

Command inspect_command() {
  return make_command<InspectOptions>(
      {"inspect", "what is inside a model file",
       "Shows input, labels, preprocessing, layers, parameters and multiply-accumulates. With "
       "--verify it\n"
       "shows that fpcls computes what PyTorch does; a difference above --tolerance exits with 1.",
       "  fpcls inspect models/wireframe.safetensors\n"
       "  fpcls inspect resnet50.pt --verify resnet50.io.safetensors\n"
       "  fpcls inspect resnet50.pth --architecture resnet50 --format json\n"
       "  fpcls inspect resnet50.pt --out resnet50.svg"},
      [](const InspectOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const InspectResult result = run_inspect(options);
        fmt::print("{}", inspect_text(result, options.output.format));
        return result.passed() ? 0 : 1;
      });
}

}  // namespace fpcls
