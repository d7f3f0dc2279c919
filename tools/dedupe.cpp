#include "run/dedupe.h"

#include "commands.h"
#include "run/dedupe_report.h"
#include "run/format_document.h"

namespace fpcls {

Command dedupe_command() {
  return make_command<DedupeOptions>(
      {"dedupe", "find copies and near copies",
       "Finds pictures that are there twice: the same file, or saved anew, resized, relit or "
       "cropped a little.\n"
       "With --against, also those that a test set holds. Nothing is ever deleted.",
       "  fpcls dedupe pool/\n"
       "  fpcls dedupe train/ --against test/ --out reports/copies    # kept.csv is what to train "
       "on\n"
       "  fpcls dedupe pool/ --move-to pool-copies --apply\n"
       "  fpcls dedupe train/ --against test/ --check                 # exit 1 on a leak"},
      [](const DedupeOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const DedupeResult result = run_dedupe(options);
        constexpr size_t kRowsOnTerminal = 20;
        const Document document =
            options.output.format == OutputFormat::text
                ? dedupe_document(result, options, kRowsOnTerminal)
                : dedupe_document(result, options);
        if (options.output.format == OutputFormat::csv) {
          fmt::print("{}", dedupe_csv(result));
        } else {
          fmt::print("{}", format_document(document, "copies", options.output.format,
                                           [&] { return dedupe_json(result); }));
        }
        return options.check && result.copy_count() > 0 ? 1 : 0;
      });
}

}  // namespace fpcls
