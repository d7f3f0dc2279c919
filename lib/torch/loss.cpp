#include "torch/loss.h"

namespace fpcls {
namespace {

int64_t count_of(const TrainingBatch& batch) { return static_cast<int64_t>(batch.targets.size()); }

/// The Kullback-Leibler divergence of the answers at the temperature, times its square so that
/// gradients keep their size (Hinton et al. 2015, section 2).
at::Tensor distance_to(const at::Tensor& teacher, const at::Tensor& logits, double temperature) {
  // A single logit stands for two classes, the other's logit being 0.
  const auto both = [](const at::Tensor& x) {
    return x.size(1) == 1 ? at::cat({x, at::zeros_like(x)}, 1) : x;
  };
  const at::Tensor wanted = at::log_softmax(both(teacher) / temperature, 1);
  const at::Tensor got = at::log_softmax(both(logits) / temperature, 1);
  return (wanted.exp() * (wanted - got)).sum(1) * (temperature * temperature);
}

at::Tensor unit_length(const at::Tensor& map) {
  constexpr double kShortest = 1e-12;  // a map of nothing but zeros stays one
  return map / map.norm(2, 1, /*keepdim=*/true).clamp_min(kShortest);
}

}  // namespace

at::Tensor answer_losses(const at::Tensor& logits, const TrainingBatch& batch,
                         const TrainerOptions& options) {
  const int64_t count = count_of(batch);
  const std::vector<int64_t> wide(batch.targets.begin(), batch.targets.end());
  const at::Tensor targets = at::tensor(wide).to(logits.device());
  const double smoothing = options.label_smoothing;
  at::Tensor losses;
  if (logits.size(1) == 1) {
    const at::Tensor soft = targets.to(at::kFloat) * (1 - smoothing) + smoothing / 2;
    losses = at::binary_cross_entropy_with_logits(logits.view({count}), soft, {}, {},
                                                  at::Reduction::None);
  } else {
    losses = at::cross_entropy_loss(logits, targets, {}, at::Reduction::None,
                                    /*ignore_index=*/-100, smoothing);
  }
  losses = losses * at::tensor(batch.weights).to(logits.device());
  if (!batch.teacher_logits.empty() && options.distillation > 0) {
    const at::Tensor teacher =
        at::tensor(batch.teacher_logits).view({count, logits.size(1)}).to(logits.device());
    losses = losses * (1 - options.distillation) +
             distance_to(teacher, logits, options.temperature) * options.distillation;
  }
  return losses;
}

at::Tensor attention_of(const at::Tensor& result) {
  return result.to(at::kFloat).square().mean(1).flatten(1);
}

at::Tensor attention_distances(const std::vector<at::Tensor>& maps, const TrainingBatch& batch) {
  const at::Tensor wanted =
      at::tensor(batch.teacher_attention).view({count_of(batch), -1}).to(maps[0].device());
  at::Tensor sum = at::zeros({count_of(batch)}, wanted.options());
  int64_t first = 0;
  for (const at::Tensor& map : maps) {
    const at::Tensor teacher = wanted.narrow(1, first, map.size(1));
    sum = sum + (unit_length(map) - unit_length(teacher)).square().sum(1);
    first += map.size(1);
  }
  return sum / static_cast<double>(maps.size());
}

}  // namespace fpcls
