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

  /// `teacher_help` says who the teacher is, and what goes without one.
  template <class Visitor>
  void describe_distillation(Visitor& v, const char* teacher_help) {
    v.option("teacher", teacher, teacher_help);
    v.option("distillation", distillation,
             "Share of the loss that is the difference to the teacher; 0: no teacher",
             Range{0.0, 1.0});
    v.option("temperature", temperature, "At which both answers are compared", Range{0.1, 100.0});
  }
};

}  // namespace fpcls
