#pragma once

#include <string>
#include <vector>

namespace fpcls {

/// Runs `program` with these arguments, its stderr being ours, and returns what it printed. Throws
/// Error where it can't be started or doesn't end with exit code 0.
std::string child_output(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace fpcls
