#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "exec/trainer.h"

/// What a network's answers to a batch cost, one number a picture.
namespace fpcls {

/// The cross entropy of `logits`, f32 {N, outputs}, for one output the binary one, times the
/// pictures' weights; where the batch has a teacher's logits, mixed with the Kullback-Leibler
/// divergence from them. That isn't weighted: the teacher knows how common each label is, and a
/// student that leans to the rare ones more than it does flips answers.
at::Tensor answer_losses(const at::Tensor& logits, const TrainingBatch& batch,
                         const TrainerOptions& options);

/// A result {N, C, H, W} as its attention, f32 {N, H * W}.
at::Tensor attention_of(const at::Tensor& result);

/// The mean over `maps`, the student's attention at each of the layers, of the squared distance to
/// the teacher's that the batch has, all of unit length: 0 to 2.
at::Tensor attention_distances(const std::vector<at::Tensor>& maps, const TrainingBatch& batch);

}  // namespace fpcls
