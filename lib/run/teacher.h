#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exec/executor.h"
#include "exec/trainer.h"
#include "run/distillation_options.h"
#include "run/load_model.h"
#include "run/training_recipe.h"

/// The network that another one learns from. Internal to this folder.
namespace fpcls {

/// Loads the model at `path`. Throws Error unless it tells apart the labels of `head` and reads
/// what the student does, whose graph is `student`.
LoadedModel load_teacher(const std::string& path, const Head& head, const Graph& student);

class Teacher {
 public:
  /// For a student of the layers of `student`, whatever their widths. Throws Error where features
  /// are to be learnt and `model` has none of these layers. The recipe says where the teacher runs,
  /// and whether in bf16.
  Teacher(const LoadedModel& model, const Graph& student, const DistillationOptions& options,
          const TrainingRecipe& recipe, int threads);

  /// Fills in what the teacher says of the batch's pictures. Thread-safe.
  void answer(TrainingBatch& batch) const;

  /// Says in the student's options how it learns.
  void set_up(TrainerOptions& trainer) const;

  const std::string& sha256() const { return sha256_; }  ///< of the model's file

  /// "0.7 at temperature 4, in bf16, attention at relu, layer1.0.relu2 weighs 100"
  std::string method() const;

 private:
  DistillationOptions options_;
  std::vector<std::string> attention_layers_;
  size_t outputs_ = 0, places_ = 0;  ///< of an answer, the logits and all of the attention
  FloatType float_type_ = FloatType::f32;
  std::unique_ptr<Executor> executor_;
  std::string sha256_;
};

/// What the teacher adds to the provenance of a model that learnt from it.
Provenance provenance_of(const Teacher& teacher);

}  // namespace fpcls
