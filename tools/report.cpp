#include <cstdio>

#include "base/text.h"
#include "commands.h"
#include "run/evaluation_report.h"
#include "run/format_document.h"
#include "run/judge.h"

namespace fpcls {
namespace {

std::string answer(const ReportOptions& options, const ReportResult& result) {
  const OutputFormat format = options.output.format;
  if (options.side_by_side) {
    std::vector<Evaluation> evaluations;
    for (const Judged& judged : result.judged) evaluations.push_back(judged.evaluation);
    return format_document(
        side_by_side_document(result.names, evaluations), "runs", format,
        []() -> std::string { fail("--side-by-side has no JSON form; ask each run for its own"); });
  }
  const Judged& judged = result.judged[0];
  const Document document = format == OutputFormat::text
                                ? evaluation_summary(judged.run, judged.evaluation)
                                : evaluation_document(judged.run, judged.evaluation);
  return format_document(document, "classes", format,
                         [&] { return evaluation_json(judged.run, judged.evaluation); });
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
       "  fpcls report predictions.csv"},
      [](const ReportOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const ReportResult result = run_report(options);
        for (const std::string& remark : result.remarks) fmt::print(stderr, "fpcls: {}\n", remark);
        fmt::print("{}", answer(options, result));
        return 0;
      });
}

}  // namespace fpcls
