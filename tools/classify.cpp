#include "run/classify.h"

#include <cstdio>

#include "commands.h"

namespace fpcls {
namespace {

std::string row_text(OutputFormat format, const RunInfo& run, const Prediction& prediction) {
  if (format == OutputFormat::csv) return classify_row_csv(run, prediction);
  if (format == OutputFormat::json) return classify_row_json(run, prediction);
  return classify_row_text(run, prediction);
}

void write(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    fail("cannot write to stdout");
}

}  // namespace

Command classify_command() {
  return make_command<ClassifyOptions>(
      {"classify", "label pictures",
       "Prints one row for each picture, in the order given: its label, and the score that "
       "decided.",
       "  fpcls classify --model models/wireframe.safetensors inbox/ --format csv\n"
       "  fpcls classify --config configs/sample.yaml plan.jpg\n"
       "  find inbox -name '*.png' | fpcls classify --config configs/sample.yaml - --format json"},
      [](const ClassifyOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        if (options.output.format == OutputFormat::markdown) {
          fail("--format is 'markdown', expected one of: text, json, csv");
        }
        if (options.output.format == OutputFormat::csv) write(classify_header_csv());
        const ClassifySummary summary =
            run_classify(options, [&](const RunInfo& run, const Prediction& prediction) {
              write(row_text(options.output.format, run, prediction));
            });
        return summary.too_many_bad ? 1 : 0;
      });
}

}  // namespace fpcls
