#include "run/calibrate.h"

#include "base/file.h"
#include "commands.h"
#include "run/format_document.h"

namespace fpcls {

Command calibrate_command() {
  return make_command<CalibrateOptions>(
      {"calibrate", "choose pictures, collect ranges",
       "Chooses pictures that stand for a pool, runs the model on them, and writes how often each "
       "layer's\n"
       "results had which size. Pictures to be judged on later, given by --avoid, are never taken.",
       "  fpcls calibrate wireframe.safetensors pool/ --avoid data/test.csv -o "
       "wireframe.calibration.json\n"
       "  fpcls calibrate wireframe.safetensors 2024-06/ 2024-07/ --count 1024 -o c.json"},
      [](const CalibrateOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const CalibrateResult result = run_calibrate(options);
        for (const std::string& remark : result.remarks) {
          if (!options.output.quiet) fmt::print(stderr, "fpcls: {}\n", remark);
        }
        const bool flat = options.output.format == OutputFormat::csv;
        fmt::print("{}", format_document(calibrate_document(result, flat), "certificate",
                                         options.output.format,
                                         [&] { return read_file(options.out); }));
        return 0;
      });
}

}  // namespace fpcls
