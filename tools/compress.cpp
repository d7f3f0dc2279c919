#include "run/compress.h"

#include "commands.h"
#include "run/format_document.h"

namespace fpcls {

Command compress_command() {
  return make_command<CompressOptions>(
      {"compress", "prune, fine-tune, quantize by recipe",
       "Takes a model from dense over pruned, trained again and folded to int8, judges every step "
       "on\n"
       "the same pictures, measures it here, and prints what each saves and costs. The folder "
       "keeps\n"
       "every step's model, what it said of the pictures, waterfall.json and waterfall.svg. A "
       "recipe\n"
       "is these options as YAML.",
       "  fpcls compress wireframe.safetensors --remove macs=0.9 --train data/train --validation "
       "data/val \\\n"
       "    --test data/test --out small\n"
       "  fpcls compress --config recipe.yaml --out small --resume"},
      [](const CompressOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const CompressResult result = run_compress(options, "/proc/self/exe");
        if (!options.output.quiet) {
          for (const std::string& remark : result.remarks) {
            fmt::print(stderr, "fpcls: {}\n", remark);
          }
        }
        fmt::print("{}", format_document(compress_document(result), "waterfall",
                                         options.output.format,
                                         [&] { return compress_json(result); }));
        return 0;
      });
}

}  // namespace fpcls
