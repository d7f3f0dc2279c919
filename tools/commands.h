#pragma once

#include <functional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "config/command_line.h"

/// The table of commands. Each has a file of its own that turns flags into a call of lib/run, and
/// the result into output and an exit code.
namespace fpcls {

struct Command {
  CommandInfo info;
  std::function<int(const CommandInfo&, const std::vector<std::string>&)> run;
};

Command bench_command();
Command calibrate_command();
Command classify_command();
Command compare_command();
Command compress_command();
Command dedupe_command();
Command evaluate_command();
Command export_command();
Command gate_command();
Command inspect_command();
Command prune_command();
Command quantize_command();
Command report_command();
Command train_command();

/// In the order in which the help lists them.
const std::vector<Command>& all_commands();

/// One line on stderr: program, processor, cores.
void say_where();

/// Parses the arguments into a fresh `Options`, answers --help and --print-config, and otherwise
/// calls `run`. `specs` describe the options as they were resolved.
template <class Options, class Run>
Command make_command(CommandInfo info, Run run) {
  return {std::move(info),
          [run](const CommandInfo& described, const std::vector<std::string>& arguments) {
            Options options;
            const std::vector<OptionSpec> specs = describe_options(options);
            const ParsedCommand parsed = parse_command_line(described, arguments, specs);
            if (parsed.request != Request::run) {
              fmt::print("{}", parsed.text);
              return 0;
            }
            if (options.output.verbose) say_where();
            return run(options, specs, arguments);
          }};
}

}  // namespace fpcls
