#pragma once

#include <cstdint>
#include <vector>

#include "graph/tensor.h"

/// A linear layer solved again: the weights that make the wanted outputs of given features best, in
/// the sense of least squares, while staying near those that it had.
namespace fpcls {

struct RidgeProblem {
  int64_t rows = 0;      ///< pictures
  int64_t features = 0;  ///< of each
  int64_t outputs = 0;
  std::vector<float> x;        ///< {rows, features}, row-major
  std::vector<double> wanted;  ///< {rows, outputs}
};

struct LinearLayer {
  std::vector<float> weight;  ///< {outputs, features}
  std::vector<float> bias;    ///< {outputs}
};

struct RidgeResult {
  LinearLayer layer;
  /// What the distance from the old weights counts for, over the mean square of the features;
  /// infinite where the old layer was best.
  double strength = 0;
  double rms_before = 0;    ///< of the old layer's errors
  double rms_left_out = 0;  ///< of the new one's on pictures that it didn't see
};

/// Minimises |x w + b - wanted|^2 + strength |w - old|^2 for each output. The strength is the one
/// of those tried whose errors are smallest on pictures left out, each in its turn (the closed
/// form: Golub, Heath and Wahba 1979); the old layer is among them. The cost grows with the cube of
/// `rows`.
RidgeResult solve_again(const RidgeProblem& problem, const LinearLayer& old);

}  // namespace fpcls
