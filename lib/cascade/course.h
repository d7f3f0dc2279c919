#pragma once

#include <vector>

#include "cascade/cascade.h"
#include "cascade/schedule.h"

/// A picture's way through the stages: where it goes next, given what each stage said.
namespace fpcls {

class Course {
 public:
  static constexpr int kDone = -1;

  Course(const Cascade& cascade, bool all_stages) : cascade_(cascade), all_stages_(all_stages) {}

  /// The first stage from `stage` on that has to be computed for `picture`, once the cached scores
  /// before it are noted; `kDone` where none has.
  int next_stage(Picture& picture, int stage) const;

  /// Notes what `stage` said, and what follows from it; then as `next_stage`.
  int after(Picture& picture, int stage, std::vector<float> scores, double ms) const;

 private:
  /// Whether the picture is settled by these scores.
  bool note(Prediction& prediction, int stage, std::vector<float> scores, double ms) const;

  const Cascade& cascade_;
  const bool all_stages_;
};

}  // namespace fpcls
