#include "tune/objective.h"

#include <cmath>
#include <cstdlib>
#include <map>
#include <sstream>

#include "base/error.h"
#include "base/text.h"

namespace fpcls {

double cost_of(const Objective& objective, double shift_points, double time_ratio,
               double size_ratio) {
  return objective.error * shift_points + objective.time * 100 * time_ratio +
         objective.size * 100 * size_ratio;
}

Objective parse_objective(const std::string& text) {
  Objective objective{0, 0, 0};
  std::map<std::string, double*> weights{
      {"error", &objective.error}, {"time", &objective.time}, {"size", &objective.size}};
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t equals = part.find('=');
    const auto found = weights.find(part.substr(0, equals));
    const std::string number = equals == std::string::npos ? "" : part.substr(equals + 1);
    char* end = nullptr;
    const double weight = std::strtod(number.c_str(), &end);
    if (found == weights.end() || number.empty() || *end != 0 || !(weight >= 0) ||
        !std::isfinite(weight)) {
      fail(
          "--objective {}: {} isn't one of error, time and size with a weight of 0 or more; such "
          "as error=1,time=0.1,size=0.01",
          quoted(text), quoted(part));
    }
    *found->second = weight;
  }
  if (objective.error + objective.time + objective.size == 0) {
    fail("--objective {}: every weight is 0; such as error=1,time=0.1,size=0.01", quoted(text));
  }
  return objective;
}

}  // namespace fpcls
