#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "exec/trainer.h"

/// How gradients move weights: SGD with momentum, and AdamW.
namespace fpcls {

/// One trainable tensor with what the optimizer remembers of it.
struct Parameter {
  std::string name;  ///< "layer1.0.conv1.weight"
  at::Tensor value;
  bool decays = false;     ///< whether weight decay applies
  at::Tensor momentum;     ///< SGD's velocity, Adam's first moment
  at::Tensor mean_square;  ///< Adam's second moment; undefined with SGD
};

/// Zeros for what `optimizer` will remember.
void prepare(Parameter& parameter, Optimizer optimizer);

/// Moves every parameter that has a gradient, then drops the gradients. `step` counts from 1.
///
/// SGD: velocity = momentum * velocity + gradient + weight_decay * value, value -= lr * velocity.
/// AdamW: Loshchilov and Hutter 2019, algorithm 2, with beta 0.9 and 0.999, epsilon 1e-8, and
/// weight decay scaled by the learning rate.
void update(std::vector<Parameter>& parameters, const TrainerOptions& options, double learning_rate,
            int64_t step);

}  // namespace fpcls
