#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "fuzz/target.h"

/// libFuzzer's entry: `fpcls_fuzz --target=NAME [libFuzzer's own options]`. `--list` names the
/// targets, `--seeds=FOLDER` with a target writes its seeds there; both end the program.
namespace {

using fpcls::fuzz::Target;

const Target* chosen = nullptr;

std::string option(int argc, char** argv, const std::string& name) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind(name, 0) == 0) return argument.substr(name.size());
  }
  return "";
}

bool has(int argc, char** argv, const std::string& name) {
  for (int i = 1; i < argc; ++i) {
    if (argv[i] == name) return true;
  }
  return false;
}

void write_seeds(const Target& target, const std::string& folder) {
  int number = 0;
  for (const std::string& seed : target.seeds()) {
    std::ofstream(folder + "/seed-" + std::to_string(number++), std::ios::binary) << seed;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static const std::vector<Target> targets = fpcls::fuzz::all_targets();
  const bool list = has(*argc, *argv, "--list");
  const std::string name = option(*argc, *argv, "--target=");
  const std::string seeds = option(*argc, *argv, "--seeds=");
  for (const Target& target : targets) {
    if (list) std::puts(target.name.c_str());
    if (target.name == name) chosen = &target;
  }
  if (list) std::exit(0);
  if (chosen == nullptr) {
    std::fprintf(stderr, "--target=%s: is no target; --list names them\n", name.c_str());
    std::exit(2);
  }
  if (!seeds.empty()) {
    write_seeds(*chosen, seeds);
    std::exit(0);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chosen->run({reinterpret_cast<const char*>(data), size});
  return 0;
}
