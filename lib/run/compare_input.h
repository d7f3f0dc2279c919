#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graph/preprocessing.h"
#include "graph/tensor.h"

/// What `compare` gives both sides. Internal to lib/run.
namespace fpcls {

struct CompareInput {
  std::vector<std::string> input;  ///< as `--input` gives it
  int batch = 8;
  bool quiet = false;
  Shape shape;  ///< {1, C, H, W}, what both models read
  Preprocessing first, second;
};

/// Calls `sink` with batches for the two sides, f32 {N, C, H, W}; pictures go through each side's
/// own preprocessing. Returns what it was, in words. Throws Error where the input can't be read,
/// isn't what the models read, or no picture of it can be decoded.
std::string for_each_input(const CompareInput& what,
                           const std::function<void(const Tensor&, const Tensor&)>& sink);

}  // namespace fpcls
