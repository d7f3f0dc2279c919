#include "run/prune.h"

#include "commands.h"
#include "run/format_document.h"

namespace fpcls {

Command prune_command() {
  return make_command<PruneOptions>(
      {"prune", "make a model smaller by removing channels",
       "Removes the channels that matter least, with everything that depends on them, until the "
       "given share\n"
       "of parameters, multiply-accumulates, bytes or channels is gone. With --train "
       "that\n"
       "happens in steps with training between; without it what is left is to be trained again.\n"
       "--plan says what would go; several ratios give the curve in one go.",
       "  fpcls prune wireframe.safetensors --remove macs=0.9 --train data/train --validation "
       "data/val \\\n"
       "    --journal wireframe.journal --resume -o wireframe.pruned.safetensors\n"
       "  fpcls prune wireframe.safetensors --remove macs=0.5 -o wireframe.small.safetensors\n"
       "  fpcls prune wireframe.safetensors --remove channels=0.25,0.5,0.75 --scope uniform "
       "--plan\n"
       "  fpcls prune resnet50.pt --remove params=0.5 --ignore conv1 --plan --format json"},
      [](const PruneOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const std::vector<PrunedModel> models = run_prune(options);
        fmt::print("{}", format_document(prune_document(models),
                                         models.size() > 1 ? "curve" : "layers",
                                         options.output.format,
                                         [&] { return prune_json(models); }));
        return 0;
      });
}

}  // namespace fpcls
