#include "run/evaluate.h"

#include "commands.h"
#include "run/evaluation_report.h"
#include "run/format_document.h"

namespace fpcls {

Command evaluate_command() {
  return make_command<EvaluateOptions>(
      {"evaluate", "judge a cascade on labelled pictures",
       "Runs every picture through the cascade and prints the tables that a release is accepted "
       "on.\n"
       "With --out the predictions stay in a folder, and 'fpcls report' judges them again in a "
       "second.",
       "  fpcls evaluate --config configs/sample.yaml datasets/sample --out reports/sample\n"
       "  fpcls evaluate --config configs/sample.yaml 2024-06/ 2024-07/ --out reports/q3 --resume\n"
       "  fpcls evaluate --model wireframe.safetensors --all-stages test.csv --format json"},
      [](const EvaluateOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>& arguments) {
        std::vector<std::string> command = {"fpcls", "evaluate"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        const EvaluateResult result = run_evaluate(options, command);
        const Document document = options.output.format == OutputFormat::text
                                      ? evaluation_summary(result.run, result.evaluation)
                                      : evaluation_document(result.run, result.evaluation);
        fmt::print("{}", format_document(document, "classes", options.output.format, [&] {
                     return evaluation_json(result.run, result.evaluation);
                   }));
        return result.too_many_bad ? 1 : 0;
      });
}

}  // namespace fpcls
