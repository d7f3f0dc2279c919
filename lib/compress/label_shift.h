#pragma once

#include <cstdint>
#include <vector>

/// A network that learnt from a teacher may still find some labels likelier than it: its classes
/// were weighed, or it is too small to tell all pictures apart. Adding one number to each output
/// takes that back for nothing.
namespace fpcls {

/// What to add to each output, {outputs}, so that over these pictures each label is on average as
/// likely as the teacher says; of all that can be added it brings the answers nearest to the
/// teacher's. Logits are row-major {pictures, outputs}; a single output stands for two labels, the
/// other's logit being 0. By generalized iterative scaling (Darroch and Ratcliff 1972).
std::vector<double> label_shift(const std::vector<float>& student,
                                const std::vector<float>& teacher, int64_t outputs);

/// The mean over the pictures of the Kullback-Leibler divergence of the student's answers, `shift`
/// added to its outputs, from the teacher's.
double label_distance(const std::vector<float>& student, const std::vector<float>& teacher,
                      const std::vector<double>& shift);

}  // namespace fpcls
