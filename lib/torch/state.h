#pragma once

#include <ATen/ATen.h>

#include <string>
#include <utility>
#include <vector>

/// A trainer's state as bytes: a heading, a fingerprint of what it belongs to, the number of steps,
/// f32 tensors in row-major order, and a SHA-256 over all of it.
namespace fpcls {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

std::string write_state(const std::string& fingerprint, int64_t steps,
                        const std::vector<NamedTensor>& tensors);

/// Reads `bytes` into `tensors` and returns the number of steps. Throws Error, with `tensors` as
/// they were, unless `bytes` is whole and of a trainer with the same fingerprint.
int64_t read_state(const std::string& bytes, const std::string& fingerprint,
                   std::vector<NamedTensor>& tensors);

}  // namespace fpcls
