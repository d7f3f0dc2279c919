#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "error_of.h"
#include "exec/backend.h"
#include "exec/pixels.h"
#include "graph/attention.h"
#include "reference/graph/naive_ops.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

Preprocessing preprocessing_for(const Graph& graph) {
  Preprocessing preprocessing;
  preprocessing.height = static_cast<int>(graph.input_shape()[2]);
  preprocessing.width = static_cast<int>(graph.input_shape()[3]);
  return preprocessing;
}

std::unique_ptr<Trainer> trainer(const Graph& graph, const TrainerOptions& options = {}) {
  return torch_backend().make_trainer(graph, preprocessing_for(graph), options);
}

/// Pictures whose brightness says which class they are.
TrainingBatch batch_of(int count, int size, int classes, uint64_t seed) {
  Random random(seed);
  TrainingBatch batch;
  batch.pixels.height = batch.pixels.width = size;
  for (int i = 0; i < count; ++i) {
    const int target = i % classes;
    batch.pixels.rows.push_back(i);
    batch.targets.push_back(target);
    batch.weights.push_back(1);
    for (size_t k = 0; k < batch.pixels.picture_bytes(); ++k) {
      batch.pixels.pixels.push_back(
          static_cast<uint8_t>(random.below(120) + target * 130 / (classes - 1)));
    }
  }
  return batch;
}

std::string weights_of(const Graph& graph) {
  std::string bytes;
  for (const Node& node : graph.nodes()) {
    for (const auto& [key, tensor] : node.weights) bytes += tensor.bytes();
  }
  return bytes;
}

/// A picture of one pixel and a linear layer: small enough to compute by hand.
Graph linear_graph(int64_t outputs, uint64_t seed) {
  GraphMaker make({1, 3, 1, 1}, seed);
  make.linear(make.add(Op::flatten, {0}, AxisAttributes{1}), outputs);
  return make.graph();
}

double log_sum_exp(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::exp(value);
  return std::log(sum);
}

/// Mean weighted loss by its definition.
double loss_by_definition(const std::vector<float>& logits, const TrainingBatch& batch,
                          double smoothing) {
  const size_t outputs = logits.size() / batch.targets.size();
  double sum = 0;
  for (size_t i = 0; i < batch.targets.size(); ++i) {
    std::vector<double> z(logits.begin() + static_cast<std::ptrdiff_t>(i * outputs),
                          logits.begin() + static_cast<std::ptrdiff_t>((i + 1) * outputs));
    if (outputs == 1) z.insert(z.begin(), 0);  // sigmoid(z) is softmax({0, z})[1]
    double loss = 0;
    for (size_t k = 0; k < z.size(); ++k) {
      const double hit = static_cast<int>(k) == batch.targets[i] ? 1 : 0;
      const double wanted = hit * (1 - smoothing) + smoothing / static_cast<double>(z.size());
      loss += wanted * (log_sum_exp(z) - z[k]);
    }
    sum += loss * batch.weights[i];
  }
  return sum / static_cast<double>(batch.targets.size());
}

std::vector<TrainerOptions> both_optimizers() {
  TrainerOptions sgd, adamw;
  sgd.optimizer = Optimizer::sgd;
  adamw.optimizer = Optimizer::adamw;
  return {sgd, adamw};
}

TEST(Trainer, ReducesTheLossAndLearnsTheLabels) {
  for (TrainerOptions options : both_optimizers()) {
    for (const int outputs : {1, 2, 3}) {
      const Graph graph = small_resnet(outputs, 1);
      const auto one = trainer(graph, options);
      const int classes = std::max(outputs, 2);
      const TrainingBatch batch = batch_of(12, 16, classes, 2);
      const double first = one->step(batch, 0.01);
      double last = first;
      for (int i = 0; i < 40; ++i) last = one->step(batch, 0.01);
      EXPECT_LT(last, 0.3 * first) << enum_name(options.optimizer) << " " << outputs;
      const std::vector<float> logits = one->evaluate(batch.pixels);
      for (size_t i = 0; i < batch.targets.size(); ++i) {
        const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(i) * outputs;
        const auto best = std::max_element(begin, begin + outputs) - begin;
        EXPECT_EQ(outputs == 1 ? *begin > 0 : best, batch.targets[i]);
      }
    }
  }
}

/// Its loss after 40 steps of one batch is at most `share` of the first; or, where the CPU doesn't
/// multiply bf16, it is refused.
void expect_learns_in_bf16(const Graph& graph, const TrainingBatch& batch, double share) {
  TrainerOptions options;
  options.bf16 = true;
  if (!torch_backend().bf16_is_fast()) {
    EXPECT_THROW(trainer(graph, options), Error);
    return;
  }
  const auto one = trainer(graph, options);
  const double first = one->step(batch, 0.01);
  double last = first;
  for (int i = 0; i < 40; ++i) last = one->step(batch, 0.01);
  EXPECT_LT(last, share * first);
}

TEST(Trainer, LearnsInBf16WhereTheCpuHasIt) {
  expect_learns_in_bf16(small_resnet(2, 1), batch_of(12, 16, 2, 2), 0.3);
}

TEST(Trainer, ComputesTheLossByItsDefinition) {
  for (const int outputs : {1, 2, 4}) {
    for (const double smoothing : {0.0, 0.1}) {
      TrainerOptions options;
      options.label_smoothing = smoothing;
      const auto one = trainer(linear_graph(outputs, 3), options);
      TrainingBatch batch = batch_of(8, 1, std::max(outputs, 2), 4);
      for (size_t i = 0; i < 8; ++i) batch.weights[i] = 0.25F * static_cast<float>(i);
      const double expected = loss_by_definition(one->evaluate(batch.pixels), batch, smoothing);
      EXPECT_NEAR(one->step(batch, 0), expected, 1e-5) << outputs << " " << smoothing;
    }
  }
}

/// How far a student's answers are from its teacher's, by the definition.
double distance_by_definition(const std::vector<float>& teacher, const std::vector<float>& student,
                              const TrainingBatch& batch, double temperature) {
  const size_t outputs = student.size() / batch.targets.size();
  double sum = 0;
  for (size_t i = 0; i < batch.targets.size(); ++i) {
    std::vector<double> t, s;
    if (outputs == 1) t = s = {0};
    for (size_t k = i * outputs; k < (i + 1) * outputs; ++k) {
      t.push_back(teacher[k] / temperature);
      s.push_back(student[k] / temperature);
    }
    for (size_t k = 0; k < t.size(); ++k) {
      const double log_t = t[k] - log_sum_exp(t), log_s = s[k] - log_sum_exp(s);
      sum += std::exp(log_t) * (log_t - log_s);
    }
  }
  return sum * temperature * temperature / static_cast<double>(batch.targets.size());
}

TEST(Trainer, ComputesTheDistanceToATeacherByItsDefinition) {
  for (const int outputs : {1, 2, 4}) {
    for (const double share : {0.0, 0.7, 1.0}) {
      TrainerOptions options;
      options.distillation = share;
      options.temperature = 3;
      const auto student = trainer(linear_graph(outputs, 3), options);
      TrainingBatch batch = batch_of(8, 1, std::max(outputs, 2), 4);
      for (size_t i = 0; i < 8; ++i) batch.weights[i] = 0.25F * static_cast<float>(i);
      batch.teacher_logits = trainer(linear_graph(outputs, 9))->evaluate(batch.pixels);
      const std::vector<float> logits = student->evaluate(batch.pixels);
      const double expected =
          (1 - share) * loss_by_definition(logits, batch, 0) +
          share * distance_by_definition(batch.teacher_logits, logits, batch, 3);
      EXPECT_NEAR(student->step(batch, 0), expected, 1e-5) << outputs << " " << share;
    }
  }
}

TEST(Trainer, ComesNearerToItsTeacher) {
  TrainerOptions options;
  options.distillation = 1;
  options.weight_decay = 0;
  const auto student = trainer(small_resnet(2, 5), options);
  TrainingBatch batch = batch_of(8, 16, 2, 4);
  batch.teacher_logits = trainer(small_resnet(2, 6))->evaluate(batch.pixels);
  const double before = student->step(batch, 0.01);
  double after = before;
  for (int i = 0; i < 30; ++i) after = student->step(batch, 0.01);
  EXPECT_LT(after, before / 3);
}

/// A network without batch norm, so that training computes what everyone does; all its maps are
/// compared, the sum among them, which a ReLU would otherwise overwrite.
Graph looking_network(int64_t channels, uint64_t seed) {
  GraphMaker make({1, 3, 6, 6}, seed);
  const int a = make.conv(0, channels, {3, 3}, {{1, 1}, {1, 1, 1, 1}, {1, 1}, 1});
  const int b = make.conv(make.add(Op::relu, {a}), channels, {1, 1});
  const int c = make.add(Op::relu, {make.add(Op::add, {a, b})});
  const int d = make.conv(c, channels + 1, {3, 3}, {{2, 2}, {0, 0, 0, 0}, {1, 1}, 1});
  make.linear(make.add(Op::flatten, {make.add(Op::relu, {d})}, AxisAttributes{1}), 2);
  return make.graph();
}

const std::vector<std::string> kLooks = {"relu_2", "add_4", "relu_7"};

std::vector<naive::Array> results_of(const Graph& graph, const PixelBatch& pixels) {
  const PixelTable table = pixel_table(preprocessing_for(graph));
  const int64_t places = int64_t{pixels.height} * pixels.width;
  std::vector<float> x;
  for (int64_t n = 0; n < pixels.count(); ++n) {
    for (size_t c = 0; c < 3; ++c) {
      for (int64_t i = 0; i < places; ++i) {
        x.push_back(table[c][pixels.pixels[static_cast<size_t>((n * places + i) * 3) + c]]);
      }
    }
  }
  return naive::run(graph, Tensor::from(Shape{pixels.count(), 3, pixels.height, pixels.width}, x));
}

/// One picture's attention in `result`, of unit length.
std::vector<double> attention_by_definition(const naive::Array& result, int64_t picture) {
  std::vector<double> map;
  double squares = 0;
  for (int64_t h = 0; h < result.shape[2]; ++h) {
    for (int64_t w = 0; w < result.shape[3]; ++w) {
      double place = 0;
      for (int64_t c = 0; c < result.shape[1]; ++c)
        place += std::pow(result.at(picture, c, h, w), 2);
      map.push_back(place / static_cast<double>(result.shape[1]));
      squares += map.back() * map.back();
    }
  }
  for (double& place : map) place /= std::max(std::sqrt(squares), 1e-12);  // all dark stays dark
  return map;
}

/// How far `student` looks elsewhere than `teacher`, by the definition.
double look_by_definition(const Graph& teacher, const Graph& student, const TrainingBatch& batch) {
  const std::vector<naive::Array> t = results_of(teacher, batch.pixels);
  const std::vector<naive::Array> s = results_of(student, batch.pixels);
  double sum = 0;
  for (size_t i = 0; i < batch.targets.size(); ++i) {
    for (const std::string& layer : kLooks) {
      const auto node = static_cast<size_t>(student.find(layer));
      const auto picture = static_cast<int64_t>(i);
      const std::vector<double> wanted = attention_by_definition(t[node], picture);
      const std::vector<double> got = attention_by_definition(s[node], picture);
      for (size_t k = 0; k < got.size(); ++k) {
        sum +=
            std::pow(got[k] - wanted[k], 2) / static_cast<double>(kLooks.size());
      }
    }
  }
  return sum / static_cast<double>(batch.targets.size());
}

/// The last numbers of each row of what `teacher` answers.
std::vector<float> taught_attention(const Graph& teacher, const PixelBatch& pixels) {
  const std::vector<float> answers = trainer(with_attention(teacher, kLooks))->evaluate(pixels);
  const auto places = static_cast<std::ptrdiff_t>(attention_size(teacher, kLooks));
  std::vector<float> attention;
  for (auto row = answers.begin(); row != answers.end(); row += 2 + places) {
    attention.insert(attention.end(), row + 2, row + 2 + places);
  }
  return attention;
}

TEST(Trainer, ComputesTheDistanceOfAttentionByItsDefinition) {
  for (const uint64_t seed : {1, 2, 3}) {
    const Graph teacher = looking_network(7, seed), graph = looking_network(3, seed + 10);
    TrainingBatch batch = batch_of(5, 6, 2, seed);
    for (size_t i = 0; i < 5; ++i) batch.weights[i] = 0.5F * static_cast<float>(i);
    batch.teacher_attention = taught_attention(teacher, batch.pixels);
    TrainerOptions options;
    options.attention_layers = kLooks;
    options.attention_weight = 20;
    const auto student = trainer(graph, options);
    const double expected = loss_by_definition(student->evaluate(batch.pixels), batch, 0) +
                            20 * look_by_definition(teacher, graph, batch);
    EXPECT_NEAR(student->step(batch, 0), expected, 2e-5 * expected);
    batch.teacher_attention.clear();
    EXPECT_NEAR(student->step(batch, 0),
                loss_by_definition(student->evaluate(batch.pixels), batch, 0), 1e-5);
  }
}

TEST(Trainer, TheGradientOfTheAttentionIsTheSlopeOfTheLoss) {
  const Graph teacher = looking_network(6, 1), graph = looking_network(2, 5);
  TrainingBatch batch = batch_of(3, 6, 2, 3);
  batch.teacher_attention = taught_attention(teacher, batch.pixels);
  TrainerOptions options;
  options.attention_layers = kLooks;
  options.attention_weight = 50;
  const Graph gradients = trainer(graph, options)->gradients(batch);
  const auto loss_with = [&](int node, int64_t place, float change) {
    std::vector<Node> nodes = graph.nodes();
    Tensor& weight = nodes[static_cast<size_t>(node)].weights["weight"];
    std::vector<float> values(weight.data<float>(), weight.data<float>() + weight.count());
    values[static_cast<size_t>(place)] += change;
    weight = Tensor::from(weight.shape(), std::move(values));
    return trainer(graph.with_nodes(std::move(nodes)), options)->step(batch, 0);
  };
  constexpr float kChange = 2e-3F;
  for (const int node : {1, 3, 6}) {
    for (const int64_t place : {0, 3}) {
      const double slope =
          (loss_with(node, place, kChange) - loss_with(node, place, -kChange)) / (2 * kChange);
      const double got = gradients.node(node).weight("weight").data<float>()[place];
      EXPECT_NEAR(got, slope, 0.02 * std::abs(slope) + 0.02) << node << " " << place;
    }
  }
}

TEST(Trainer, LearnsToLookWhereItsTeacherLooks) {
  const Graph teacher = looking_network(7, 1), graph = looking_network(3, 2);
  TrainingBatch batch = batch_of(8, 6, 2, 4);
  batch.teacher_attention = taught_attention(teacher, batch.pixels);
  TrainerOptions options;
  options.attention_layers = kLooks;
  options.attention_weight = 100;
  options.weight_decay = 0;
  const auto student = trainer(graph, options);
  const double before = look_by_definition(teacher, graph, batch);
  for (int i = 0; i < 40; ++i) student->step(batch, 0.01);
  EXPECT_LT(look_by_definition(teacher, student->graph(), batch), before / 2);
}

TEST(Trainer, RefusesAttentionAtWhatIsNoMapAndWeightsBelowZero) {
  const Graph graph = looking_network(3, 2);
  TrainerOptions options;
  options.attention_layers = {"relu_9"};
  EXPECT_THAT(error_of([&] { trainer(graph, options); }), testing::HasSubstr("no layer 'relu_9'"));
  options.attention_layers = {graph.nodes().back().name};
  EXPECT_THAT(error_of([&] { trainer(graph, options); }),
              testing::HasSubstr("expected [1, channels, height, width]"));
  options.attention_layers = kLooks;
  options.attention_weight = -1;
  EXPECT_THAT(error_of([&] { trainer(graph, options); }), testing::HasSubstr("expected 0 or more"));
}

TEST(Trainer, ObservingMovesOnlyStatisticsAndAsAStepDoes) {
  const Graph graph = small_resnet(2, 5);
  const TrainingBatch batch = batch_of(6, 16, 2, 6);
  TrainerOptions options;
  options.weight_decay = 0;
  const auto observing = trainer(graph, options), stepping = trainer(graph, options);
  observing->observe(batch.pixels);
  stepping->step(batch, 0);
  const Graph after = observing->graph();
  EXPECT_EQ(weights_of(after), weights_of(stepping->graph()));
  int moved = 0;
  for (int i = 0; i < graph.size(); ++i) {
    for (const auto& [key, tensor] : graph.node(i).weights) {
      const bool same = tensor.bytes() == after.node(i).weight(key).bytes();
      EXPECT_EQ(same, is_parameter(graph.node(i), key)) << graph.node(i).name << " " << key;
      moved += same ? 0 : 1;
    }
  }
  EXPECT_GT(moved, 4);
}

TEST(Trainer, ObservingReachesTheAveragesToo) {
  const Graph graph = small_resnet(2, 5);
  TrainerOptions options;
  options.ema_decay = 0.9;
  const auto averaging = trainer(graph, options), plain = trainer(graph);
  averaging->observe(batch_of(6, 16, 2, 6).pixels);
  plain->observe(batch_of(6, 16, 2, 6).pixels);
  EXPECT_EQ(weights_of(averaging->graph()), weights_of(plain->graph()));
}

TEST(Trainer, GivesTheGradientsThatAStepFollowsAndChangesNothing) {
  const Graph graph = linear_graph(3, 7);
  TrainerOptions options;
  options.optimizer = Optimizer::sgd;
  options.weight_decay = 0;
  const auto one = trainer(graph, options);
  const TrainingBatch batch = batch_of(4, 1, 3, 6);
  const Graph gradients = one->gradients(batch);
  EXPECT_EQ(weights_of(one->graph()), weights_of(graph));
  one->gradients(batch);  // and they don't add up
  constexpr double kLearningRate = 0.5;
  one->step(batch, kLearningRate);
  for (const char* key : {"weight", "bias"}) {
    const Tensor before = graph.node(2).weight(key), after = one->graph().node(2).weight(key);
    for (int64_t i = 0; i < before.count(); ++i) {
      const double moved = before.data<float>()[i] - after.data<float>()[i];
      EXPECT_NEAR(gradients.node(2).weight(key).data<float>()[i], moved / kLearningRate, 1e-5);
    }
  }
}

TEST(Trainer, TakesGradientsInEvaluationMode) {
  const auto one = trainer(small_resnet(2, 5));
  const TrainingBatch batch = batch_of(4, 16, 2, 6);
  const Graph gradients = one->gradients(batch);
  EXPECT_EQ(weights_of(one->graph()), weights_of(small_resnet(2, 5)));
  const Node& norm = gradients.node(2);
  ASSERT_EQ(norm.op, Op::batch_norm);
  EXPECT_EQ(norm.weight("running_mean").data<float>()[0], 0);
  EXPECT_NE(norm.weight("bias").data<float>()[0], 0);
}

/// Compares a step's change of each weight's second number with the loss' difference quotient.
void expect_gradients(const Graph& graph) {
  TrainerOptions options;
  options.optimizer = Optimizer::sgd;
  options.weight_decay = 0;
  const TrainingBatch batch = batch_of(4, 6, 2, 6);
  constexpr double kLearningRate = 0.5, kNudge = 1e-2;
  const auto one = trainer(graph, options);
  one->step(batch, kLearningRate);
  const Graph after = one->graph();
  for (int i = 0; i < graph.size(); ++i) {
    for (const auto& [key, tensor] : graph.node(i).weights) {
      const auto nudged_loss = [&, &name = key, &weight = tensor](double by) {
        std::vector<float> values(weight.data<float>(), weight.data<float>() + weight.count());
        values[1] += static_cast<float>(by);
        std::vector<Node> nodes = graph.nodes();
        nodes[static_cast<size_t>(i)].weights[name] = Tensor::from(weight.shape(), values);
        return trainer(graph.with_nodes(nodes), options)->step(batch, 0);
      };
      const double gradient = (nudged_loss(kNudge) - nudged_loss(-kNudge)) / (2 * kNudge);
      const double moved = tensor.data<float>()[1] - after.node(i).weight(key).data<float>()[1];
      const bool fixed = !is_parameter(graph.node(i), key);
      EXPECT_NEAR(moved / kLearningRate, fixed ? 0 : gradient, 2e-3)
          << graph.node(i).name << " " << key;
    }
  }
}

TEST(Trainer, FollowsTheGradientOfTheLoss) {
  GraphMaker make({1, 3, 6, 6}, 5);
  const int x = make.add(Op::silu, {make.conv(0, 4, {3, 3}, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1})});
  const int y = make.add(Op::adaptive_avg_pool, {x}, AdaptivePoolAttributes{{1, 1}});
  make.linear(make.add(Op::flatten, {y}, AxisAttributes{1}), 2);
  expect_gradients(make.graph());
}

/// Convolution, layer norm over channels, attention of each place to all others, layer scale.
Graph small_transformer() {
  GraphMaker make({1, 3, 6, 6}, 5);
  int x = make.conv(0, 4, {3, 3}, {{2, 2}, {1, 1, 1, 1}, {1, 1}, 1});
  x = make.add(Op::affine, {x}, AffineAttributes{false},
               {{"scale", make.random_tensor({1, 4, 1, 1}, 0.5, 1)}});
  x = make.add(Op::pad, {x}, PadAttributes{{0, 0, 1, 0}, {0, 0, 0, 0}, 0.5});
  x = make.add(Op::permute, {x}, PermuteAttributes{{0, 2, 3, 1}});
  x = make.add(Op::reshape, {x}, ReshapeAttributes{{12, 4}});
  const int normal =
      make.add(Op::layer_norm, {x}, LayerNormAttributes{2, 1e-5},
               {{"weight", make.random_tensor({4}, 0.5, 1)}, {"bias", make.random_tensor({4})}});
  const int keys = make.add(Op::permute, {make.linear(normal, 4)}, PermuteAttributes{{0, 2, 1}});
  const int scores = make.add(Op::matmul, {make.linear(normal, 4), keys});
  const int chosen = make.add(Op::softmax, {scores}, AxisAttributes{2});
  const int mixed = make.add(Op::matmul, {chosen, make.add(Op::tanh, {make.linear(normal, 4)})});
  const int scaled = make.add(Op::affine, {mixed}, AffineAttributes{true},
                              {{"scale", make.random_tensor({1, 1, 4}, 0.5, 1)},
                               {"shift", make.random_tensor({1, 12, 4})}});
  x = make.add(Op::leaky_relu, {make.add(Op::add, {x, scaled})}, LeakyAttributes{0.3});
  x = make.add(Op::pow, {make.add(Op::sigmoid, {x})}, PowerAttributes{1.5});
  x = make.add(Op::slice, {x}, SliceAttributes{1, 0, 12, 2});
  make.linear(make.add(Op::flatten, {x}, AxisAttributes{1}), 2);
  return make.graph();
}

TEST(Trainer, FollowsTheGradientThroughAttention) { expect_gradients(small_transformer()); }

TEST(Trainer, TrainsATransformerInBf16WhereTheCpuHasIt) {
  expect_learns_in_bf16(small_transformer(), batch_of(12, 6, 2, 2), 0.5);
}

TEST(Trainer, DecaysWeightsButNotBatchNormAndBiases) {
  for (TrainerOptions options : both_optimizers()) {
    options.weight_decay = 0.1;
    const Graph graph = small_resnet(2, 7);
    const auto one = trainer(graph, options);
    TrainingBatch batch = batch_of(4, 16, 2, 8);
    batch.weights.assign(4, 0);  // no gradient, so that only the decay moves anything
    one->step(batch, 0.5);
    const Graph after = one->graph();
    for (int i = 0; i < graph.size(); ++i) {
      for (const auto& [key, tensor] : graph.node(i).weights) {
        if (key.rfind("running_", 0) == 0) continue;
        const bool decays = graph.node(i).op != Op::batch_norm && key == "weight";
        const float factor = decays ? 0.95F : 1.0F;
        const Tensor now = after.node(i).weight(key);
        for (int64_t k = 0; k < tensor.count(); ++k) {
          ASSERT_NEAR(now.data<float>()[k], factor * tensor.data<float>()[k], 1e-6)
              << graph.node(i).name << " " << key;
        }
      }
    }
  }
}

TEST(Trainer, UpdatesBatchNormsStatisticsWithItsMomentum) {
  GraphMaker make({1, 3, 2, 2}, 9);
  const int norm = make.batch_norm(0);
  std::get<NormAttributes>(make.node(norm).attributes).momentum = 0.25;
  make.linear(make.add(Op::flatten, {norm}, AxisAttributes{1}), 2);
  const Graph graph = make.graph();
  const auto one = trainer(graph);
  const TrainingBatch batch = batch_of(4, 2, 2, 10);
  one->step(batch, 0);
  const Graph after = one->graph();
  const Preprocessing preprocessing;
  for (size_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (size_t i = c; i < batch.pixels.pixels.size(); i += 3) {
      const double x =
          (batch.pixels.pixels[i] / 255.0 - preprocessing.mean[c]) / preprocessing.std[c];
      sum += x;
      squares += x * x;
    }
    const double mean = sum / 16, variance = (squares - 16 * mean * mean) / 15;
    const auto statistic = [&](const Graph& of, const char* key) {
      return static_cast<double>(of.node(norm).weight(key).data<float>()[c]);
    };
    EXPECT_NEAR(statistic(after, "running_mean"),
                0.75 * statistic(graph, "running_mean") + 0.25 * mean, 1e-5);
    EXPECT_NEAR(statistic(after, "running_var"),
                0.75 * statistic(graph, "running_var") + 0.25 * variance, 1e-5);
  }
}

TEST(Trainer, AveragesWeightsOverSteps) {
  TrainerOptions options;
  const Graph graph = linear_graph(2, 11);
  const auto plain = trainer(graph, options);
  options.ema_decay = 0.9;
  const auto averaged = trainer(graph, options);
  const TrainingBatch batch = batch_of(4, 1, 2, 12);
  std::vector<double> expected;
  const Tensor start = graph.node(2).weight("weight");
  for (int64_t k = 0; k < start.count(); ++k) expected.push_back(start.data<float>()[k]);
  for (int step = 1; step <= 5; ++step) {
    plain->step(batch, 0.1);
    averaged->step(batch, 0.1);
    const double decay = std::min(0.9, (1.0 + step) / (10 + step));
    const Graph now = plain->graph();
    for (size_t k = 0; k < expected.size(); ++k) {
      expected[k] =
          decay * expected[k] + (1 - decay) * now.node(2).weight("weight").data<float>()[k];
    }
  }
  const Graph result = averaged->graph();
  for (size_t k = 0; k < expected.size(); ++k) {
    EXPECT_NEAR(result.node(2).weight("weight").data<float>()[k], expected[k], 1e-5);
  }
}

TEST(Trainer, EvaluatesAsAnExecutorRunsItsGraph) {
  TrainerOptions options;
  options.ema_decay = 0.5;
  const Graph graph = small_resnet(2, 13);
  const auto one = trainer(graph, options);
  const TrainingBatch batch = batch_of(6, 16, 2, 14);
  for (int i = 0; i < 3; ++i) {
    one->step(batch, 0.01);
    const Graph now = one->graph();
    EXPECT_EQ(
        one->evaluate(batch.pixels),
        make_executor(ExecutorKind::torch, now, preprocessing_for(now), {})->run(batch.pixels));
  }
}

TEST(Trainer, GivesAGraphThatFurtherTrainingLeavesAlone) {
  const auto one = trainer(small_resnet(2, 15));
  const TrainingBatch batch = batch_of(4, 16, 2, 16);
  one->step(batch, 0.01);
  const Graph early = one->graph();
  const std::string before = weights_of(early);
  one->step(batch, 0.01);
  EXPECT_EQ(weights_of(early), before);
  EXPECT_NE(weights_of(one->graph()), before);
}

TEST(Trainer, LeavesTheGraphThatItWasGivenAlone) {
  const Graph graph = small_resnet(2, 17);
  const std::string before = weights_of(graph);
  trainer(graph)->step(batch_of(4, 16, 2, 18), 0.1);
  EXPECT_EQ(weights_of(graph), before);
}

TEST(Trainer, GivesTheSameWeightsForTheSameSeedAndThreads) {
  for (const int threads : {1, 2}) {
    TrainerOptions options;
    options.threads = threads;
    options.bf16 = torch_backend().bf16_is_fast();
    const Graph graph = small_resnet(2, 19);
    const auto a = trainer(graph, options), b = trainer(graph, options);
    for (int i = 0; i < 3; ++i) {
      const TrainingBatch batch = batch_of(6, 16, 2, 20 + static_cast<uint64_t>(i));
      EXPECT_EQ(a->step(batch, 0.01), b->step(batch, 0.01));
    }
    EXPECT_EQ(weights_of(a->graph()), weights_of(b->graph()));
  }
}

TEST(Trainer, GoesOnFromItsStateExactlyAsIfItHadNotStopped) {
  for (TrainerOptions options : both_optimizers()) {
    for (const double ema : {0.0, 0.9}) {
      options.ema_decay = ema;
      const Graph graph = small_resnet(2, 21);
      const auto whole = trainer(graph, options);
      const TrainingBatch batch = batch_of(6, 16, 2, 22);
      for (int i = 0; i < 3; ++i) whole->step(batch, 0.01);
      const std::string state = whole->save_state();
      const auto resumed = trainer(graph, options);
      resumed->step(batch, 0.5);
      resumed->load_state(state);
      EXPECT_EQ(resumed->save_state(), state);
      for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(whole->step(batch, 0.01), resumed->step(batch, 0.01));
      }
      EXPECT_EQ(weights_of(whole->graph()), weights_of(resumed->graph()));
      EXPECT_EQ(whole->evaluate(batch.pixels), resumed->evaluate(batch.pixels));
      EXPECT_EQ(whole->save_state(), resumed->save_state());
    }
  }
}

TEST(Trainer, RefusesADamagedStateAndKeepsItsOwn) {
  const auto one = trainer(small_resnet(2, 23));
  const std::string good = one->save_state();
  std::vector<std::string> bad{"",
                               "x",
                               good.substr(0, 10),
                               good.substr(0, good.size() - 1),
                               good + "x",
                               std::string(good.size(), '\0')};
  Random random(24);
  for (int i = 0; i < 20; ++i) {
    std::string flipped = good;
    char& byte = flipped[static_cast<size_t>(random.below(static_cast<int64_t>(good.size())))];
    byte = static_cast<char>(byte ^ 1);
    bad.push_back(flipped);
  }
  for (const std::string& state : bad) {
    EXPECT_NE(error_of([&] { one->load_state(state); }), "no error");
    EXPECT_EQ(one->save_state(), good);
  }
}

TEST(Trainer, RefusesTheStateOfAnotherNetworkOrOptimizer) {
  const std::string state = trainer(small_resnet(2, 25))->save_state();
  TrainerOptions sgd, ema;
  sgd.optimizer = Optimizer::sgd;
  ema.ema_decay = 0.9;
  const auto expect_refused = [&](const Graph& graph, const TrainerOptions& options) {
    EXPECT_THAT(error_of([&] { trainer(graph, options)->load_state(state); }),
                testing::HasSubstr("another network"));
  };
  expect_refused(small_resnet(3, 25), {});
  expect_refused(small_resnet(2, 25), sgd);
  expect_refused(small_resnet(2, 25), ema);
}

TEST(Trainer, RefusesTargetsThatTheNetworkDoesNotHave) {
  const auto one = trainer(small_resnet(3, 26));
  for (const int target : {-1, 3}) {
    TrainingBatch batch = batch_of(3, 16, 3, 27);
    batch.targets[1] = target;
    EXPECT_THAT(error_of([&] { one->step(batch, 0.1); }),
                testing::HasSubstr("not one of the network's 3 labels"));
  }
}

TEST(Trainer, RefusesOptionsOutOfRange) {
  const auto error_with = [](const std::function<void(TrainerOptions&)>& change) {
    TrainerOptions options;
    change(options);
    return error_of([&] { trainer(small_resnet(2, 28), options); });
  };
  EXPECT_THAT(error_with([](auto& o) { o.threads = 0; }), testing::HasSubstr("--threads 0"));
  EXPECT_THAT(error_with([](auto& o) { o.label_smoothing = 1; }), testing::HasSubstr("smoothing"));
  EXPECT_THAT(error_with([](auto& o) { o.ema_decay = NAN; }), testing::HasSubstr("average"));
  EXPECT_THAT(error_with([](auto& o) { o.device = "tpu"; }), testing::HasSubstr("--device 'tpu'"));
}

TEST(Trainer, RefusesADistillationOutOfRange) {
  TrainerOptions share, temperature;
  share.distillation = 1.5;
  temperature.temperature = 0;
  EXPECT_THROW(trainer(linear_graph(2, 3), share), Error);
  EXPECT_THROW(trainer(linear_graph(2, 3), temperature), Error);
}

TEST(Trainer, ReportsALossThatIsNotANumber) {
  const Graph graph = linear_graph(2, 29);
  std::vector<Node> nodes = graph.nodes();
  nodes[2].weights["bias"] = Tensor::from<float>({2}, {NAN, 0});
  const auto one = trainer(graph.with_nodes(nodes));
  EXPECT_TRUE(std::isnan(one->step(batch_of(2, 1, 2, 30), 0.1)));
}

}  // namespace
}  // namespace fpcls
