#include "run/prune.h"

#include "commands.h"
#include "run/format_document.h"

namespace fpcls {

Command prune_command() {
  return make_command<PruneOptions>(
      {"prune", "make a model smaller by removing channels",
       "Removes the channels that matter least, with everything that depends on them, until the "
       "given share\n"
       "of parameters, multiply-accumulates, bytes, channels or time is gone. With --train that\n"
       "happens in steps with training between; without it what is left is to be trained again.\n"
       "--plan says what would go; several ratios give the curve in one go. --max-shift looks for "
       "the\n"
       "largest ratio at which the scores stay where they are; it exits with 1 where none does.",
       "  fpcls prune wireframe.safetensors --remove macs=0.9 --train data/train --validation "
       "data/val \\\n"
       "    --journal wireframe.journal --resume -o wireframe.pruned.safetensors\n"
       "  fpcls prune wireframe.safetensors --remove macs=0.5 -o wireframe.small.safetensors\n"
       "  fpcls prune wireframe.safetensors --remove channels=0.25,0.5,0.75 --scope uniform "
       "--plan\n"
       "  fpcls prune wireframe.safetensors --remove latency --max-shift 1 --minutes 120 --train "
       "data/train \\\n"
       "    -o wireframe.small.safetensors\n"
       "  fpcls prune wireframe.safetensors --remove latency=0.5 --plan\n"
       "  fpcls prune resnet50.pt --remove params=0.5 --ignore conv1 --plan --format json"},
      [](const PruneOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const PruneResult result = run_prune(options);
        const char* table = result.max_shift || result.models.size() > 1 ? "curve" : "layers";
        fmt::print("{}", format_document(prune_document(result), table, options.output.format,
                                         [&] { return prune_json(result); }));
        return result.found() ? 0 : 1;
      });
}

}  // namespace fpcls
