#include "model/architectures.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "base/text.h"
#include "model/families.h"
#include "model/resnet.h"

namespace fpcls {
namespace {

void check_side(const char* what, int value) {
  if (value < 1 || value > 8192) fail("{} is {}, expected 1 to 8192", what, value);
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Graph graph_from_weights(const std::string& architecture, const TensorMap& weights, int height,
                         int width, const std::string& where) {
  const std::vector<std::string> known = known_architectures();
  if (!contains(known, architecture)) {
    const std::string close = closest_name(architecture, known);
    if (!close.empty()) {
      fail("architecture {} is not known; did you mean {}?", quoted(architecture), quoted(close));
    }
    fail("architecture {} is not known, expected one of {}", quoted(architecture),
         fmt::join(known, ", "));
  }
  check_side("height", height);
  check_side("width", width);
  WeightFinder finder(weights);
  const bool mobile = contains(mobile_architectures(), architecture);
  return mobile ? mobile_from_weights(architecture, finder, height, width, where)
                : resnet_from_weights(architecture, finder, height, width, where);
}

std::vector<std::string> known_architectures() {
  std::vector<std::string> names = resnet_architectures();
  const std::vector<std::string> mobile = mobile_architectures();
  names.insert(names.end(), mobile.begin(), mobile.end());
  return names;
}

}  // namespace fpcls
