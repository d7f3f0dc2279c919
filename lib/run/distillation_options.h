#pragma once

#include <string>

#include "base/range.h"

namespace fpcls {

/// How a network learns from the answers of another: the options that all commands that train have
/// in common.
struct DistillationOptions {
  std::string teacher;
  double distillation = 0.7;
  double temperature = 4;
  double feature_distillation = 0;

  /// Whether there is anything to be learnt from a teacher.
  bool distils() const { return distillation > 0 || feature_distillation > 0; }

  /// `teacher_help` says who the teacher is, and what goes without one.
  template <class Visitor>
  void describe_distillation(Visitor& v, const char* teacher_help) {
    v.option("teacher", teacher, teacher_help);
    v.option("distillation", distillation,
             "Share of the loss that is the difference to the teacher's answers; 0: none of it",
             Range{0.0, 1.0});
    v.option("temperature", temperature, "At which both answers are compared", Range{0.1, 100.0});
    v.option("feature_distillation", feature_distillation,
             "What it weighs beside the rest of the loss that layers look at other places of the "
             "picture than the teacher's; 0: nothing",
             Range{0.0, 1e6});
  }
};

}  // namespace fpcls
