#include "torch/importer.h"
#include "base/error.h"
namespace fpcls {
std::unique_ptr<Importer> make_torchscript_importer() { fail("importing: not yet"); }
}  // namespace fpcls
