#include "run/version.h"

namespace fpcls {

std::string version() { return FPCLS_VERSION; }

}  // namespace fpcls
