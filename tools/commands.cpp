#include "commands.h"

namespace fpcls {

const std::vector<Command>& all_commands() {
  static const std::vector<Command> kCommands = {};
  return kCommands;
}

}  // namespace fpcls
