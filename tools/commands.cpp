#include "commands.h"

#include <cstdio>

#include "base/threads.h"
#include "run/environment.h"
#include "run/version.h"

namespace fpcls {

const std::vector<Command>& all_commands() {
  static const std::vector<Command> kCommands = {
      bench_command(), calibrate_command(), classify_command(), compare_command(),
      compress_command(), dedupe_command(), evaluate_command(), export_command(), gate_command(),
      inspect_command(), prune_command(), quantize_command(), report_command(), train_command()};
  return kCommands;
}

void say_where() {
  fmt::print(stderr, "fpcls: version {} on {} ({}), {} cores\n", version(), cpu_name(), isa_names(),
             usable_cores());
}

}  // namespace fpcls
