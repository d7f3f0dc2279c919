#include "run/training_recipe.h"

#include <algorithm>

#include "exec/backend.h"

namespace fpcls {
namespace {

/// Whether bf16 pays: libtorch's bf16 kernels for channels that don't fill a vector of 32 are
/// slower than its f32 ones, measured 3 to 18 times for 8 and 16 channels.
bool suits_bf16(const Graph& graph) {
  constexpr int64_t kVectorOfBf16 = 32;
  return std::all_of(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    return node.op != Op::conv || node.weights.at("weight").shape()[0] % kVectorOfBf16 == 0;
  });
}

/// As asked, or where device and network are quicker so.
bool trains_in_bf16(Switch asked, const std::string& device, const Graph& graph) {
  if (asked == Switch::automatic) {
    return device == "cpu" && torch_backend().bf16_is_fast() && suits_bf16(graph);
  }
  return asked == Switch::on;
}

}  // namespace

AugmentOptions TrainingRecipe::augmentation() const {
  return augment == Augmentation::plan ? plan_augmentation() : AugmentOptions{};
}

TrainerOptions TrainingRecipe::trainer(const Graph& graph, int threads, uint64_t seed) const {
  TrainerOptions options;
  options.device = device;
  options.threads = threads;
  options.optimizer = optimizer;
  options.weight_decay = weight_decay;
  options.momentum = momentum;
  options.label_smoothing = label_smoothing;
  options.ema_decay = ema;
  options.seed = seed;
  options.bf16 = trains_in_bf16(bf16, device, graph);
  return options;
}

TrainingPlan TrainingRecipe::plan(int epochs, uint64_t seed) const {
  TrainingPlan plan;
  plan.epochs = epochs;
  plan.batch_size = batch;
  plan.learning_rate = learning_rate;
  plan.warmup_ratio = warmup;
  plan.balance_classes = class_weights;
  plan.augment = augmentation();
  plan.patience = patience;
  plan.best_by_bucket = static_cast<int>(best_by) - 1;
  plan.seed = seed;
  return plan;
}

}  // namespace fpcls
