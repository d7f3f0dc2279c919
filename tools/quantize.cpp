#include "run/quantize.h"

#include "commands.h"
#include "run/format_document.h"

namespace fpcls {

Command quantize_command() {
  return make_command<QuantizeOptions>(
      {"quantize", "write an int8 model",
       "Makes a model whose convolutions compute with 8-bit integers, in the ranges that a "
       "calibration saw. Biases\n"
       "and the classifier are set anew on the calibration's pictures, which are read again and "
       "must "
       "be the same. With --validation the scores before and after are compared; with --max-shift "
       "layers that do\n"
       "harm are restored to bf16 or f32, and the exit code is 1 where that wasn't enough. For "
       "processors without\n"
       "VNNI weights get 7 bits; --activation-bits 7 is the other way.",
       "  fpcls quantize wireframe.safetensors --calibration wireframe.calibration.json -o "
       "wireframe.int8.safetensors\n"
       "  fpcls quantize wireframe.safetensors --calibration c.json --validation data/val "
       "--max-shift "
       "0.5 \\\n"
       "    --journal wireframe.journal --resume -o wireframe.int8.safetensors\n"
       "  fpcls quantize wireframe.safetensors --calibration c.json --keep conv1 --keep-bf16 "
       "layer1.0.conv1 --verbose \\\n"
       "    -o int8.safetensors"},
      [](const QuantizeOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const QuantizeResult result = run_quantize(options);
        const bool layers = options.output.verbose || options.output.format != OutputFormat::text;
        fmt::print("{}",
                   format_document(quantize_document(result, layers), "layers",
                                   options.output.format, [&] { return quantize_json(result); }));
        return result.search && !result.search->reached ? 1 : 0;
      });
}

}  // namespace fpcls
