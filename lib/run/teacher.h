#pragma once

#include <memory>
#include <string>

#include "exec/executor.h"
#include "exec/trainer.h"
#include "run/distillation_options.h"
#include "run/load_model.h"

/// The network that another one learns from. Internal to this folder.
namespace fpcls {

/// Loads the model at `path`. Throws Error unless it tells apart the labels of `head` and reads
/// what the student does, whose graph is `student`.
LoadedModel load_teacher(const std::string& path, const Head& head, const Graph& student);

class Teacher {
 public:
  Teacher(const LoadedModel& model, const ExecutorOptions& setup);

  /// Fills in what the teacher says of the batch's pictures. Thread-safe.
  void answer(TrainingBatch& batch) const;

  const std::string& sha256() const { return sha256_; }  ///< of the model's file

 private:
  std::unique_ptr<Executor> executor_;
  std::string sha256_;
};

/// What the teacher adds to the provenance of a model that learnt from it.
Provenance provenance_of(const Teacher& teacher, const DistillationOptions& options);

}  // namespace fpcls
