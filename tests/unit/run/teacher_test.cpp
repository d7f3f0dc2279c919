#include "run/teacher.h"

#include <gmock/gmock.h>

#include "error_of.h"
#include "exec/backend.h"
#include "graph/attention.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

LoadedModel model_of(const Graph& graph) {
  LoadedModel model(graph);
  model.head = {{"other", "plan"}, 1};
  model.preprocessing.height = static_cast<int>(graph.input_shape()[2]);
  model.preprocessing.width = static_cast<int>(graph.input_shape()[3]);
  model.path = "teacher.safetensors";
  model.sha256 = "abc";
  return model;
}

Graph renamed(const Graph& graph) {
  std::vector<Node> nodes = graph.nodes();
  for (Node& node : nodes) node.name = "other." + node.name;
  return Graph(graph.input_shape(), std::move(nodes), graph.outputs());
}

TrainingBatch batch_of(int count, int size) {
  TrainingBatch batch;
  batch.pixels.height = batch.pixels.width = size;
  for (int i = 0; i < count; ++i) {
    batch.pixels.rows.push_back(i);
    for (size_t k = 0; k < batch.pixels.picture_bytes(); ++k) {
      batch.pixels.pixels.push_back(static_cast<uint8_t>(i * 31 + static_cast<int>(k) * 7));
    }
  }
  return batch;
}

TrainingRecipe recipe_in(Switch bf16) {
  TrainingRecipe recipe;
  recipe.bf16 = bf16;
  return recipe;
}

/// What the model's executor says of a batch.
std::vector<float> logits_in(FloatType float_type, const LoadedModel& model,
                             const PixelBatch& pixels) {
  return make_executor(ExecutorKind::automatic, model.graph, model.preprocessing,
                       {"cpu", 1, float_type})
      ->run(pixels);
}

TEST(Teacher, GivesItsLogitsAndNothingElseWhereNoFeaturesAreLearnt) {
  const LoadedModel model = model_of(small_resnet(2, 1));
  const Teacher teacher(model, small_resnet(2, 2), DistillationOptions(), recipe_in(Switch::off),
                        1);
  TrainingBatch batch = batch_of(3, 16);
  teacher.answer(batch);
  EXPECT_EQ(batch.teacher_logits, logits_in(FloatType::f32, model, batch.pixels));
  EXPECT_THAT(batch.teacher_attention, IsEmpty());
  EXPECT_EQ(teacher.method(), "0.7 at temperature 4");
  TrainerOptions options;
  teacher.set_up(options);
  EXPECT_THAT(options.attention_layers, IsEmpty());
}

TEST(Teacher, ComputesInBf16WhereTheCpuHasItAndSaysSo) {
  if (!engine_backend().bf16_is_fast()) GTEST_SKIP() << "this CPU doesn't multiply bf16";
  const LoadedModel model = model_of(small_resnet(2, 1));
  const Teacher teacher(model, small_resnet(2, 2), DistillationOptions(), recipe_in(Switch::on), 1);
  TrainingBatch batch = batch_of(3, 16);
  teacher.answer(batch);
  EXPECT_EQ(batch.teacher_logits, logits_in(FloatType::bf16, model, batch.pixels));
  EXPECT_NE(batch.teacher_logits, logits_in(FloatType::f32, model, batch.pixels));
  EXPECT_EQ(teacher.method(), "0.7 at temperature 4, in bf16");
}

TEST(Teacher, ComputesByItselfInWhatIsQuickerHere) {
  const LoadedModel model = model_of(small_resnet(2, 1));
  const Teacher teacher(model, model.graph, DistillationOptions(), recipe_in(Switch::automatic), 1);
  TrainingBatch batch = batch_of(3, 16);
  teacher.answer(batch);
  const FloatType quicker = engine_backend().bf16_is_fast() ? FloatType::bf16 : FloatType::f32;
  EXPECT_EQ(batch.teacher_logits, logits_in(quicker, model, batch.pixels));
}

TEST(Teacher, GivesEachPicturesLogitsAndAttentionApart) {
  const LoadedModel model = model_of(small_resnet(2, 1));
  DistillationOptions options;
  options.feature_distillation = 5;
  options.temperature = 2;
  const Teacher teacher(model, model.graph, options, recipe_in(Switch::off), 1);
  TrainerOptions student;
  teacher.set_up(student);
  EXPECT_EQ(student.attention_weight, 5);
  EXPECT_EQ(student.temperature, 2);
  ASSERT_FALSE(student.attention_layers.empty());
  EXPECT_EQ(student.attention_layers, shared_attention_layers(model.graph, model.graph));
  TrainingBatch batch = batch_of(3, 16);
  teacher.answer(batch);
  const std::vector<float> rows =
      make_executor(ExecutorKind::automatic, with_attention(model.graph, student.attention_layers),
                    model.preprocessing, {})
          ->run(batch.pixels);
  const auto places = static_cast<size_t>(attention_size(model.graph, student.attention_layers));
  ASSERT_EQ(rows.size(), 3 * (2 + places));
  ASSERT_EQ(batch.teacher_logits.size(), 6U);
  ASSERT_EQ(batch.teacher_attention.size(), 3 * places);
  for (size_t i = 0; i < 3; ++i) {
    const float* row = rows.data() + i * (2 + places);
    EXPECT_EQ(batch.teacher_logits[2 * i], row[0]);
    EXPECT_EQ(batch.teacher_logits[2 * i + 1], row[1]);
    EXPECT_EQ(batch.teacher_attention[i * places], row[2]);
    EXPECT_EQ(batch.teacher_attention[(i + 1) * places - 1], row[1 + places]);
  }
  EXPECT_THAT(teacher.method(), HasSubstr("attention at "));
  EXPECT_THAT(teacher.method(), HasSubstr(student.attention_layers.back() + " weighs 5"));
}

TEST(Teacher, OfOtherLayersIsRefusedWithWhatTheyShouldBe) {
  const Graph student = small_resnet(2, 1);
  const LoadedModel model = model_of(renamed(student));
  DistillationOptions options;
  EXPECT_EQ(error_of([&] { Teacher(model, student, options, {}, 1); }), "no error");
  options.feature_distillation = 1;
  const std::string error = error_of([&] { Teacher(model, student, options, {}, 1); });
  EXPECT_THAT(error, HasSubstr("--feature-distillation: the teacher 'teacher.safetensors' has none "
                               "of the model's layers at the same size, expected some of "));
  EXPECT_THAT(error, HasSubstr(shared_attention_layers(student, student)[0] + " ("));
  EXPECT_THAT(error, HasSubstr("name a teacher of the same architecture"));
}

}  // namespace
}  // namespace fpcls
