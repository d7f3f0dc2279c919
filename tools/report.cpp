#include <cstdio>

#include "base/error.h"
#include "base/text.h"
#include "commands.h"
#include "run/evaluation_report.h"
#include "run/format_document.h"
#include "run/judge.h"
#include "run/judge_temperature.h"
#include "run/judge_thresholds.h"

namespace fpcls {
namespace {

std::string answer(const ReportOptions& options, const ReportResult& result) {
  const OutputFormat format = options.output.format;
  if (options.side_by_side) {
    std::vector<Evaluation> evaluations;
    for (const Judged& judged : result.judged) evaluations.push_back(judged.evaluation);
    Document document = side_by_side_document(result.names, evaluations);
    document.sections.insert(document.sections.end(), result.validation.begin(),
                             result.validation.end());
    return format_document(
        document, "runs", format,
        []() -> std::string { fail("--side-by-side has no JSON form; ask each run for its own"); });
  }
  const Judged& judged = result.judged[0];
  const Document document = format == OutputFormat::text
                                ? evaluation_summary(judged.run, judged.evaluation)
                                : evaluation_document(judged.run, judged.evaluation);
  return format_document(document, "classes", format,
                         [&] { return evaluation_json(judged.run, judged.evaluation); });
}

std::string thresholds_answer(const ReportOptions& options) {
  const Wishes wishes = parse_wishes(options.choose_thresholds);
  const OpenedPredictions opened = open_predictions(options.inputs);
  for (const std::string& remark : opened.remarks) fmt::print(stderr, "fpcls: {}\n", remark);
  ThresholdChooser chooser(opened.run);
  opened.predictions([&](const Prediction& prediction) { chooser.add(prediction); });
  const ThresholdChoice choice = chooser.choose(wishes);
  return format_document(thresholds_document(choice), "thresholds", options.output.format,
                         [&] { return thresholds_json(choice); });
}

std::string temperature_answer(const ReportOptions& options) {
  const std::vector<StageTemperature> stages = run_fit_temperature(options);
  return format_document(temperature_document(stages), "temperatures", options.output.format,
                         [&] { return temperature_json(stages); });
}

/// What chooses something writes no report of its own.
void check_choosing(const ReportOptions& options) {
  const bool chooses = !options.choose_thresholds.empty();
  if (!options.models_out.empty() && !options.fit_temperature) {
    fail("--models-out needs --fit-temperature");
  }
  if (!chooses && !options.fit_temperature) return;
  const char* flag = chooses ? "--choose-thresholds" : "--fit-temperature";
  if (chooses && options.fit_temperature) {
    fail("--choose-thresholds and --fit-temperature: give one at a time");
  }
  if (!options.out.empty() || !options.accept.empty() || options.side_by_side || options.csv) {
    fail("{} goes without --out, --accept, --csv and --side-by-side", flag);
  }
}

}  // namespace

Command report_command() {
  return make_command<ReportOptions>(
      {"report", "judge stored predictions again, merge, compare",
       "Reads what evaluate stored: no picture is opened and no model run.",
       "  fpcls report reports/2024-q3\n"
       "  fpcls report reports/2024-q3 --accept wireframe=0.8 --out reports/what-if\n"
       "  fpcls report shard-*/ --out merged\n"
       "  fpcls report reports/base reports/candidate --side-by-side\n"
       "  fpcls report reports/2024-q3 --choose-thresholds precision=0.98\n"
       "  fpcls report reports/2024-q3 --fit-temperature --models-out models-2\n"
       "  fpcls report predictions.csv"},
      [](const ReportOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        check_choosing(options);
        if (!options.choose_thresholds.empty()) {
          fmt::print("{}", thresholds_answer(options));
          return 0;
        }
        if (options.fit_temperature) {
          fmt::print("{}", temperature_answer(options));
          return 0;
        }
        const ReportResult result = run_report(options);
        for (const std::string& remark : result.remarks) fmt::print(stderr, "fpcls: {}\n", remark);
        fmt::print("{}", answer(options, result));
        return 0;
      });
}

}  // namespace fpcls
