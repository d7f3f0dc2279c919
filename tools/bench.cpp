#include "run/bench.h"

#include <memory>

#include "base/file.h"
#include "commands.h"
#include "run/format_document.h"

namespace fpcls {

Command bench_command() {
  return make_command<BenchOptions>(
      {"bench", "latency, throughput, memory, time per layer",
       "Measures until three windows in a row agree, and says where time and memory went. Several\n"
       "models are measured in turns, in processes of their own, with a significance test.",
       "  fpcls bench models/wireframe.safetensors\n"
       "  fpcls bench models/wireframe.safetensors --batch 1,2,4,8 --workers 1,2 --curve "
       "curve.svg\n"
       "  fpcls bench pruned.safetensors --against models/wireframe.safetensors --format json\n"
       "  fpcls bench models/wireframe.safetensors --float f32,bf16 --noise --price 0.09\n"
       "  fpcls bench configs/sample.yaml --images datasets/sample --batch 8 --workers 2"},
      [](const BenchOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        std::unique_ptr<AtomicFile> curve;
        if (!options.curve.empty()) curve = std::make_unique<AtomicFile>(options.curve);
        const BenchResult result = run_bench(options, "/proc/self/exe");
        if (!options.output.quiet) {
          for (const std::string& remark : result.remarks) fmt::print(stderr, "fpcls: {}\n", remark);
        }
        fmt::print("{}", format_document(bench_document(options, result), "cases",
                                         options.output.format,
                                         [&] { return bench_json(result.records); }));
        if (curve) {
          curve->write(bench_curve_svg(result));
          curve->commit();
        }
        return 0;
      });
}

}  // namespace fpcls
