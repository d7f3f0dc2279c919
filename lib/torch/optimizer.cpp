#include "torch/optimizer.h"

#include <cmath>

namespace fpcls {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kAdamEpsilon = 1e-8;

void sgd(Parameter& parameter, const at::Tensor& gradient, const TrainerOptions& options,
         double learning_rate) {
  at::Tensor& velocity = parameter.momentum;
  velocity.mul_(options.momentum).add_(gradient);
  if (parameter.decays) velocity.add_(parameter.value, options.weight_decay);
  parameter.value.sub_(velocity, learning_rate);
}

void adamw(Parameter& parameter, const at::Tensor& gradient, const TrainerOptions& options,
           double learning_rate, int64_t step) {
  const double correction1 = 1 - std::pow(kBeta1, static_cast<double>(step));
  const double correction2 = 1 - std::pow(kBeta2, static_cast<double>(step));
  if (parameter.decays) parameter.value.mul_(1 - learning_rate * options.weight_decay);
  parameter.momentum.lerp_(gradient, 1 - kBeta1);
  parameter.mean_square.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
  const at::Tensor divisor =
      at::sqrt(parameter.mean_square).mul_(1 / std::sqrt(correction2)).add_(kAdamEpsilon);
  parameter.value.addcdiv_(parameter.momentum, divisor, -learning_rate / correction1);
}

}  // namespace

void prepare(Parameter& parameter, Optimizer optimizer) {
  parameter.momentum = at::zeros_like(parameter.value);
  if (optimizer == Optimizer::adamw) parameter.mean_square = at::zeros_like(parameter.value);
}

void update(std::vector<Parameter>& parameters, const TrainerOptions& options, double learning_rate,
            int64_t step) {
  const at::NoGradGuard no_grad;
  for (Parameter& parameter : parameters) {
    const at::Tensor gradient = parameter.value.grad();
    if (!gradient.defined()) continue;
    if (options.optimizer == Optimizer::sgd) {
      sgd(parameter, gradient, options, learning_rate);
    } else {
      adamw(parameter, gradient, options, learning_rate, step);
    }
    parameter.value.mutable_grad().reset();
  }
}

}  // namespace fpcls
