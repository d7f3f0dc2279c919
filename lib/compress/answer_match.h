#pragma once

#include <cstdint>
#include <vector>

/// A network that learnt from a teacher still finds some labels likelier than it, since its classes
/// were weighed or it is too small to tell all pictures apart, and is less sure than it after a
/// short training, surer after a long one. Its last layer can take both back for nothing: the
/// shares of pictures above a score then stay what the teacher's were.
namespace fpcls {

/// Makes logits of x `scale * x + shift`, a shift for each output.
struct AnswerMatch {
  double scale = 1;
  std::vector<double> shift;
};

/// With which, over these pictures, each label is on average as likely as the teacher says, and the
/// likeliest label of a picture on average as likely as the teacher's (its confidence). Logits are
/// row-major {pictures, outputs}; a single output stands for two labels, the other's logit being 0.
/// Shifts are found by generalized iterative scaling (Darroch and Ratcliff 1972), and of all that
/// give these means bring the answers nearest to the teacher's; they add up to 0 where there are
/// several. The scale stays 1 where the confidence is right already, and between 1/2 and 2 always:
/// a network that needs more can't tell what its teacher can, and shouldn't be as sure.
AnswerMatch answer_match(const std::vector<float>& student, const std::vector<float>& teacher,
                         int64_t outputs);

}  // namespace fpcls
