#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>

#include "base/allocation.h"
#include "base/error.h"
#include "base/text.h"
#include "commands.h"
#include "run/version.h"

namespace fpcls {
namespace {

constexpr int kCouldNotDoIt = 2;

std::string overview() {
  std::string text =
      "fpcls: judges and compresses image classifiers\n\nUsage: fpcls COMMAND "
      "[OPTIONS]\n\nCommands:\n";
  for (const Command& command : all_commands()) {
    text += fmt::format("  {} {}\n", pad_right(command.info.name, 10), command.info.summary);
  }
  return text +
         "\n'fpcls COMMAND --help' describes one; 'fpcls --version' says which fpcls this is.\n"
         "\nExit codes: 0 done; 1 done, and the answer is no; 2 could not do it; 3 undecided\n";
}

int run(const std::vector<std::string>& arguments) {
  const std::string first = arguments.empty() ? "" : arguments[0];
  if (first == "--help" || first == "-h" || first == "help") {
    fmt::print("{}", overview());
    return 0;
  }
  if (first == "--version") {
    fmt::print("fpcls {}\n", version());
    return 0;
  }
  if (first.empty()) fail("no command given; 'fpcls --help' lists them");
  std::vector<std::string> names;
  for (const Command& command : all_commands()) {
    if (command.info.name == first) {
      return command.run(command.info, {arguments.begin() + 1, arguments.end()});
    }
    names.push_back(command.info.name);
  }
  const std::string close = closest_name(first, names);
  fail("unknown command {}{}; 'fpcls --help' lists them", quoted(first),
       close.empty() ? "" : ", did you mean '" + close + "'");
}

}  // namespace
}  // namespace fpcls

int main(int argc, char** argv) {
  fpcls::return_large_buffers();
  try {
    const int code = fpcls::run({argv + 1, argv + argc});
    if (std::fflush(stdout) != 0) fpcls::fail("cannot write to stdout");
    return code;
  } catch (const fpcls::Error& e) {
    fmt::print(stderr, "fpcls: error: {}\n", e.what());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "fpcls: error: out of memory; use fewer --workers or a smaller --batch\n");
  } catch (const std::exception& e) {
    fmt::print(stderr, "fpcls: error: {}\n", e.what());
  }
  return fpcls::kCouldNotDoIt;
}
