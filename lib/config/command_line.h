#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/options.h"

/// A command's flags: defaults, then the `--config` file, then what was typed.
namespace fpcls {

struct CommandInfo {
  std::string name;      ///< "evaluate"
  std::string summary;   ///< one line, for the list of commands
  std::string details;   ///< a paragraph for its own help; may be empty
  std::string examples;  ///< lines of shell, shown as they are
};

/// What the command line asks for besides running the command.
enum class Request { run, help, print_config };

struct ParsedCommand {
  Request request = Request::run;
  std::string text;  ///< the help, or the configuration as YAML
};

/// Sets `specs` from `arguments` (without program and command) and from the file that `--config`
/// names. Throws Error for what isn't known or doesn't fit: "--batch is 0, expected 1 to 4096".
ParsedCommand parse_command_line(const CommandInfo& info, const std::vector<std::string>& arguments,
                                 const std::vector<OptionSpec>& specs);

}  // namespace fpcls
