#include "run/teacher.h"

#include "base/error.h"
#include "base/text.h"
#include "exec/backend.h"

namespace fpcls {

LoadedModel load_teacher(const std::string& path, const Head& head, const Graph& student) {
  LoadedModel teacher = load_model(path, ForeignModelOptions(), HeadNeed::optional);
  if (teacher.head.labels != head.labels) {
    fail("--teacher {}: tells apart {}, the model {}; name a model of the same labels",
         quoted(path), fmt::join(teacher.head.labels, ", "), fmt::join(head.labels, ", "));
  }
  if (teacher.graph.input_shape() != student.input_shape()) {
    fail("--teacher {}: its input is {}, the model's {}; name a model of the same input",
         quoted(path), shape_text(teacher.graph.input_shape()), shape_text(student.input_shape()));
  }
  return teacher;
}

Teacher::Teacher(const LoadedModel& model, const ExecutorOptions& setup)
    : executor_(make_executor(ExecutorKind::automatic, model.graph, model.preprocessing, setup)),
      sha256_(model.sha256) {}

void Teacher::answer(TrainingBatch& batch) const {
  batch.teacher_logits = executor_->run(batch.pixels);
}

Provenance provenance_of(const Teacher& teacher, const DistillationOptions& options) {
  return {{"teacher", teacher.sha256()},
          {"distillation",
           fmt::format("{} at temperature {}", options.distillation, options.temperature)}};
}

}  // namespace fpcls
