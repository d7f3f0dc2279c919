#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

/// What is fuzzed: one target for every parser of files that come from elsewhere. libFuzzer runs
/// them (`scripts/fuzz`), and an ordinary test runs each on its seeds, on tests/fuzz/corpus/<name>/
/// and on mutations of both.
namespace fpcls::fuzz {

struct Target {
  std::string name;
  /// Parses `bytes`. Returns whether they are right or wrong: an Error is an answer. Whatever else
  /// happens (another exception, a signal, a sanitizer's complaint) is a finding.
  std::function<void(std::string_view bytes)> run;
  /// Small files that the parser takes, made afresh.
  std::function<std::vector<std::string>()> seeds;
};

/// All of them, sorted by name.
std::vector<Target> all_targets();

std::vector<Target> journal_targets();
std::vector<Target> model_targets();
std::vector<Target> picture_targets();
std::vector<Target> store_targets();
std::vector<Target> text_targets();

/// Calls `parse`; takes an Error with a message for an answer. An empty message is a finding.
void answer(const std::function<void()>& parse);

/// A file of this name that holds `bytes`, in a folder of this process's own, in memory where the
/// system has such a place. The next call with the same name overwrites it.
std::string file_with(const std::string& name, std::string_view bytes);

/// The bytes of a file that `write` makes under the path that it is given.
std::string bytes_of_file(const std::function<void(const std::string& path)>& write);

}  // namespace fpcls::fuzz
