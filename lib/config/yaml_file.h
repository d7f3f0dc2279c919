#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "config/options.h"

/// Options from YAML files, and back. Strict: an unknown key, a wrong type or a value out of range
/// is an Error that says `file:line:column`, what is wrong and what would be right.
namespace fpcls {

/// Sets `specs` from the file. Lists replace what was there before.
void read_options(const std::filesystem::path& file, const std::vector<OptionSpec>& specs);

/// The options as YAML that `read_options` reads back; unset ones and empty lists are left out.
std::string options_yaml(const std::vector<OptionSpec>& specs);

/// A label map: `{folder name: label}`, with `~` or an empty value for a label to drop.
std::map<std::string, std::string> read_label_map(const std::filesystem::path& file);

}  // namespace fpcls
