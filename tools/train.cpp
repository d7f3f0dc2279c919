#include "run/train.h"

#include "commands.h"
#include "run/format_document.h"

namespace fpcls {

Command train_command() {
  return make_command<TrainOptions>(
      {"train", "train a classifier, or go on training",
       "Trains on folders named after their labels (or manifests) and writes the best epoch's "
       "network. The\n"
       "same command on the same pictures with the same threads gives the same file.",
       "  fpcls train data/train --positive wireframe --validation data/val -o "
       "wireframe.safetensors\n"
       "  fpcls train data/train --positive simple --negative complex --size 128 -o "
       "white.safetensors\n"
       "  fpcls train data/new --from wireframe.safetensors --positive wireframe --learning-rate "
       "1e-4 "
       "-o wireframe2.safetensors\n"
       "  fpcls train data/train --from wireframe.pruned.safetensors --from-scratch --teacher "
       "wireframe.safetensors \\\n"
       "    --positive wireframe --epochs 40 -o wireframe.scratch.safetensors"},
      [](const TrainOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const TrainSummary summary = run_train(options);
        fmt::print("{}", format_document(train_document(summary), "history", options.output.format,
                                         [&] { return train_json(summary); }));
        return 0;
      });
}

}  // namespace fpcls
