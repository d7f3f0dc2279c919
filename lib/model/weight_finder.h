#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "model/safetensors.h"

/// The tensors of a state dict as a network asks for them, and what is wrong with them. Internal to
/// this folder.
namespace fpcls {

class WeightFinder {
 public:
  /// `weights` outlives the finder.
  explicit WeightFinder(const TensorMap& weights) : weights_(weights) {}

  bool has(const std::string& name) const { return weights_.count(name) != 0; }

  /// The tensor as f32; absent, and remembered as wrong, where it is missing or another.
  Tensor find(const std::string& name, const Shape& shape);
  /// The same where only the number of axes is known.
  Tensor find_of_rank(const std::string& name, size_t rank);

  /// First extent of a weight that tells how large a network is. Throws Error where it is missing.
  int64_t outputs_of(const std::string& name, size_t rank, const std::string& architecture,
                     const std::string& where) const;

  /// Throws Error, beginning with `where`, that lists what was missing or of another shape, and
  /// what nobody asked for.
  void check(const std::string& architecture, const std::string& where) const;

 private:
  Tensor checked(const std::string& name, const Tensor& tensor, bool fits,
                 const std::string& expected);

  const TensorMap& weights_;
  std::set<std::string> asked_;
  std::vector<std::string> missing_, misshapen_;
};

}  // namespace fpcls
