#pragma once

#include <string>

namespace fpcls {

/// "0.1.0".
std::string version();

}  // namespace fpcls
