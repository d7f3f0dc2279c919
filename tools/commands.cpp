#include "commands.h"

namespace fpcls {

const std::vector<Command>& all_commands() {
  static const std::vector<Command> kCommands = {
      classify_command(), evaluate_command(), inspect_command(), report_command(), train_command()};
  return kCommands;
}

}  // namespace fpcls
