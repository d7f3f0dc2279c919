#include "model/metadata.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {

void check_metadata(const Metadata& metadata, const Graph& graph, const std::string& where) {
  check_head(metadata.head, static_cast<int>(graph.output_count()), where);
  const Preprocessing& preprocessing = metadata.preprocessing;
  const Shape expected{1, 3, preprocessing.height, preprocessing.width};
  if (graph.input_shape() != expected) {
    fail("{}: preprocessing gives {}, but the network's input is {}", where, shape_text(expected),
         shape_text(graph.input_shape()));
  }
  constexpr int kMaxSide = 65535;
  if (preprocessing.resize < 1 || preprocessing.resize > kMaxSide) {
    fail("{}: resize is {}, expected 1 to {}", where, preprocessing.resize, kMaxSide);
  }
  for (const float mean : preprocessing.mean) {
    if (!std::isfinite(mean)) fail("{}: mean is {}, expected a number", where, mean);
  }
  for (const float std : preprocessing.std) {
    if (!(std > 0 && std::isfinite(std))) {
      fail("{}: std is {}, expected a number above 0", where, std);
    }
  }
  if (metadata.accept && !(*metadata.accept >= 0 && *metadata.accept <= 1)) {
    fail("{}: accept is {}, expected 0 to 1", where, *metadata.accept);
  }
  if (metadata.precision.empty()) fail("{}: precision is empty", where);
}

}  // namespace fpcls
