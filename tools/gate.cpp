#include "run/gate.h"

#include <cstdio>

#include "commands.h"
#include "run/gate_report.h"

namespace fpcls {

Command gate_command() {
  return make_command<GateOptions>(
      {"gate", "did it get worse? exit 0, 1 or 3",
       "Holds a run against another over the same pictures, paired by content, and answers pass\n"
       "(exit code 0), fail (1) or undecided (3: too few pictures to say). No model is run.",
       "  fpcls gate reports/base reports/candidate\n"
       "  fpcls gate reports/base reports/candidate --max-drop 1 --undecided pass --out reports/gate\n"
       "  fpcls gate reports/base reports/candidate --require recall.wireframe=0.97 --max-flips 1\n"
       "  fpcls gate reports/base reports/candidate --format markdown >> \"$GITHUB_STEP_SUMMARY\"\n"
       "  fpcls gate base1 new1 --max-slowdown 5 --base-run base2 --base-run base3 --base-run base4 "
       "\\\n"
       "    --candidate-run new2 --candidate-run new3 --candidate-run new4"},
      [](const GateOptions& options, const std::vector<OptionSpec>&,
         const std::vector<std::string>&) {
        const GateResult result = run_gate(options);
        fmt::print("{}", format_gate(result, options.output.format));
        return result.exit_code;
      });
}

}  // namespace fpcls
