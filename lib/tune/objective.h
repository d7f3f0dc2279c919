#pragma once

#include <string>

/// Which of several models is best, as one number: what error, time and size are worth beside each
/// other.
namespace fpcls {

/// What a model costs, as one number: each of error, time and size times its weight.
struct Objective {
  double error = 1;    ///< for each point of the shift
  double time = 0.1;   ///< for each percent of the f32 model's time
  double size = 0.01;  ///< for each percent of its weights' bytes
};

/// Of a model whose time and weights are these shares of the f32 model's; the lower the better.
double cost_of(const Objective& objective, double shift_points, double time_ratio,
               double size_ratio);

/// "error=1,time=0.1": weights of those that are named, 0 or more, at least one of them above 0; the
/// others are 0. Throws Error.
Objective parse_objective(const std::string& text);

}  // namespace fpcls
