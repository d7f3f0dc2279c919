#include "run/teacher.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "base/text.h"
#include "exec/backend.h"
#include "graph/attention.h"

namespace fpcls {
namespace {

/// "relu (32 x 32), layer1.0.relu2 (16 x 16)"
std::string with_sizes(const Graph& graph, const std::vector<std::string>& layers) {
  std::vector<std::string> texts;
  for (const std::string& layer : layers) {
    const Shape& shape = graph.shape(graph.find(layer));
    texts.push_back(fmt::format("{} ({} x {})", layer, shape[2], shape[3]));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::vector<std::string> attention_layers(const LoadedModel& model, const Graph& student) {
  std::vector<std::string> layers = shared_attention_layers(student, model.graph);
  if (!layers.empty()) return layers;
  const std::vector<std::string> own = shared_attention_layers(student, student);
  fail(
      "--feature-distillation: the teacher {} has none of the model's layers at the same size, "
      "expected some of {}; name a teacher of the same architecture, or leave the flag out",
      quoted(model.path),
      own.empty() ? "those with a height and a width" : with_sizes(student, own));
}

}  // namespace

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

Teacher::Teacher(const LoadedModel& model, const Graph& student, const DistillationOptions& options,
                 const TrainingRecipe& recipe, int threads)
    : options_(options),
      outputs_(static_cast<size_t>(model.graph.output_count())),
      sha256_(model.sha256) {
  if (options.feature_distillation > 0) attention_layers_ = attention_layers(model, student);
  places_ = static_cast<size_t>(attention_size(model.graph, attention_layers_));
  const Graph graph =
      attention_layers_.empty() ? model.graph : with_attention(model.graph, attention_layers_);
  ExecutorOptions setup{recipe.device, threads};
  const ExecutorKind kind = choose_executor(ExecutorKind::automatic, graph, setup).kind;
  float_type_ = setup.float_type = float_type_of(recipe.bf16, kind);
  executor_ = make_executor(kind, graph, model.preprocessing, setup);
}

void Teacher::answer(TrainingBatch& batch) const {
  const std::vector<float> answers = executor_->run(batch.pixels);
  for (auto row = answers.begin(); row != answers.end();
       row += static_cast<std::ptrdiff_t>(outputs_ + places_)) {
    const auto attention = row + static_cast<std::ptrdiff_t>(outputs_);
    batch.teacher_logits.insert(batch.teacher_logits.end(), row, attention);
    batch.teacher_attention.insert(batch.teacher_attention.end(), attention,
                                   attention + static_cast<std::ptrdiff_t>(places_));
  }
}

void Teacher::set_up(TrainerOptions& trainer) const {
  trainer.distillation = options_.distillation;
  trainer.temperature = options_.temperature;
  trainer.attention_layers = attention_layers_;
  trainer.attention_weight = options_.feature_distillation;
}

std::string Teacher::method() const {
  std::string text =
      fmt::format("{} at temperature {}", options_.distillation, options_.temperature);
  if (float_type_ == FloatType::bf16) text += ", in bf16";
  if (!attention_layers_.empty()) {
    text += fmt::format(", attention at {} weighs {}", fmt::join(attention_layers_, ", "),
                        options_.feature_distillation);
  }
  return text;
}

Provenance provenance_of(const Teacher& teacher) {
  return {{"teacher", teacher.sha256()}, {"distillation", teacher.method()}};
}

}  // namespace fpcls
