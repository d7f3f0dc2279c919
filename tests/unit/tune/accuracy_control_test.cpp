#include "tune/accuracy_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "exec/pixels.h"
#include "graph/fold.h"
#include "temporary_folder.h"
#include "tune/equalizing.h"
#include "unit/graph/graphs.h"

namespace fpcls {
namespace {

constexpr int64_t kSize = 12;

/// Four convolutions and a classifier whose scores are spread out.
Graph make_network() {
  GraphMaker make({1, 3, kSize, kSize}, 5);
  const ConvAttributes padded{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  int node = 0;
  for (int i = 0; i < 4; ++i) node = make.add(Op::relu, {make.conv(node, 8, {3, 3}, padded)});
  node = make.add(Op::adaptive_avg_pool, {node}, AdaptivePoolAttributes{});
  node = make.add(Op::flatten, {node}, AxisAttributes{});
  make.linear(node, 2);
  return make.graph();
}

std::vector<std::string> conv_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::conv) names.push_back(node.name);
  }
  return names;
}

/// The weights at axis `axis`, index 0, times `factor`.
Node scaled(Node node, int axis, float factor) {
  const Tensor weight = node.weight("weight");
  const Shape& shape = weight.shape();
  std::vector<float> values(weight.data<float>(), weight.data<float>() + weight.count());
  const int64_t inner = shape[2] * shape[3];
  for (int64_t o = 0; o < shape[0]; ++o) {
    for (int64_t i = 0; i < shape[1]; ++i) {
      if ((axis == 0 ? o : i) != 0) continue;
      for (int64_t k = 0; k < inner; ++k) {
        values[static_cast<size_t>((o * shape[1] + i) * inner + k)] *= factor;
      }
    }
  }
  node.weights["weight"] = Tensor::from(shape, std::move(values));
  if (axis == 0) {
    const Tensor bias = node.weight("bias");
    std::vector<float> numbers(bias.data<float>(), bias.data<float>() + bias.count());
    numbers[0] *= factor;
    node.weights["bias"] = Tensor::from(bias.shape(), std::move(numbers));
  }
  return node;
}

/// The same function, but one channel of `first` is a thousand times as large: all others share
/// what few integers it leaves them.
Graph sabotaged(const Graph& graph, const std::string& first, const std::string& second) {
  std::vector<Node> nodes = graph.nodes();
  const auto at = [&](const std::string& name) { return static_cast<size_t>(graph.find(name)); };
  nodes[at(first)] = scaled(nodes[at(first)], 0, 1000);
  nodes[at(second)] = scaled(nodes[at(second)], 1, 1e-3F);
  return graph.with_nodes(nodes);
}

/// Scores that differ from picture to picture: features times what spreads the logits.
Graph spread(const Graph& graph, Executor& executor, const TrainingSet& set) {
  PixelBatch batch{static_cast<int>(kSize), static_cast<int>(kSize), set.pixels, {}};
  for (int64_t i = 0; i < set.size(); ++i) batch.rows.push_back(i);
  const std::vector<float> logits = executor.run(batch);
  double mean = 0, square = 0;
  const auto count = static_cast<double>(set.size());
  for (size_t i = 0; i < logits.size(); i += 2) mean += (logits[i + 1] - logits[i]) / count;
  for (size_t i = 0; i < logits.size(); i += 2) {
    square += std::pow(logits[i + 1] - logits[i] - mean, 2) / count;
  }
  std::vector<Node> nodes = graph.nodes();
  const Tensor weight = nodes.back().weight("weight");
  std::vector<float> values(weight.data<float>(), weight.data<float>() + weight.count());
  const auto factor = static_cast<float>(2 / std::sqrt(square));
  for (float& value : values) value *= factor;
  nodes.back().weights["weight"] = Tensor::from(weight.shape(), std::move(values));
  const Tensor bias = nodes.back().weight("bias");
  const float difference = bias.data<float>()[1] - bias.data<float>()[0];
  const float shift = -factor * (static_cast<float>(mean) - difference);
  nodes.back().weights["bias"] = Tensor::from<float>({2}, {0, shift});
  return graph.with_nodes(nodes);
}

class AccuracyControlTest : public testing::Test {
 protected:
  void use(Graph graph, const Graph& same) {
    Preprocessing p;
    p.height = p.width = kSize;
    preprocessing_ = p;
    make_pictures();
    graph = spread(graph, *make_runner(same, p), set_);
    graph_.emplace(std::move(graph));
    reference_ = make_runner(*graph_, p);
    count_values();
    before_ = judge_scores(*reference_, head_, 0.5F, set_, 1, [] {});
    for (int64_t i = 0; i < set_.size(); ++i) {
      const auto row = static_cast<size_t>(i);
      set_.targets[row] = before_.answer[row];
    }
    before_ = judge_scores(*reference_, head_, 0.5F, set_, 1, [] {});
  }

  /// The network with one channel of its second layer's result much larger than the others, which
  /// the third reads. Returns the layers' names.
  std::vector<std::string> use_sabotaged() {
    const Graph sound = make_network();
    std::vector<std::string> names = conv_names(sound);
    use(sabotaged(sound, names[1], names[2]), sound);
    return names;
  }

  static ControlPlan within(double points) {
    ControlPlan plan;
    plan.max_shift_points = points;
    return plan;
  }

  void make_pictures() {
    Random random(9);
    set_.height = set_.width = kSize;
    for (int64_t i = 0; i < 120; ++i) {
      const double light = random.uniform(20, 230), red = random.uniform(0, 200);
      for (int64_t k = 0; k < kSize * kSize; ++k) {
        for (int c = 0; c < 3; ++c) {
          const double value = light + (c == 0 ? red : 0) + 40 * random.normal();
          set_.pixels.push_back(static_cast<uint8_t>(std::min(255.0, std::max(0.0, value))));
        }
      }
      set_.targets.push_back(0);
      set_.sha256.emplace_back("00");
    }
  }

  Tensor input(int64_t i) const {
    const PixelTable table = pixel_table(preprocessing_);
    std::vector<float> values(static_cast<size_t>(3 * kSize * kSize));
    for (size_t k = 0; k < static_cast<size_t>(kSize * kSize); ++k) {
      for (size_t c = 0; c < 3; ++c) {
        values[c * kSize * kSize + k] = table[c][set_.picture(i)[3 * k + c]];
      }
    }
    return Tensor::from<float>({1, 3, kSize, kSize}, std::move(values));
  }

  void count_values() {
    std::map<int, Histogram> histograms;
    for (int64_t i = 0; i < set_.size(); ++i) {
      reference_->run(input(i), [&](const NodeResult& result) {
        const Tensor values = result.values();
        histograms[result.node].add(values.data<float>(), static_cast<size_t>(values.count()));
      });
    }
    for (const auto& [node, histogram] : histograms) {
      tensors_.push_back({graph_->node(node).name, histogram});
    }
  }

  Quantizer quantizer() {
    source_ = {set_.size(), [this](int64_t i) { return input(i); }};
    QuantizingPlan plan;
    plan.quiet = true;
    plan.stop = [this] { return stop_; };
    return Quantizer({*graph_, *reference_, preprocessing_, tensors_, source_}, plan);
  }

  ControlResult control(const ControlPlan& plan) {
    Quantizer made = quantizer();
    return control_accuracy(made, {set_, head_, 0.5F}, before_, plan);
  }

  Head head_{{"other", "plan"}, 1};
  Preprocessing preprocessing_;
  TrainingSet set_;
  std::optional<Graph> graph_;
  std::unique_ptr<Executor> reference_;
  std::vector<CalibrationTensor> tensors_;
  InputSource source_;
  JudgedScores before_;
  bool stop_ = false;
  TemporaryFolder folder_;
};

TEST_F(AccuracyControlTest, LeavesASoundModelInIntegers) {
  use(make_network(), make_network());
  ControlPlan plan = within(5);
  const ControlResult result = control(plan);
  EXPECT_TRUE(result.reached);
  ASSERT_EQ(result.trials.size(), 1U);
  EXPECT_TRUE(result.trials[0].kept.empty());
}

TEST_F(AccuracyControlTest, FindsASabotagedLayerAndEndsWithinTheShift) {
  const auto names = use_sabotaged();
  ControlPlan plan = within(3);
  const ControlResult result = control(plan);
  EXPECT_GT(result.trials[0].shift_points, 3);
  EXPECT_TRUE(result.reached);
  EXPECT_LE(result.trials[result.chosen].shift_points, 3);
  // What reads the sabotaged result is the first to get its weights back.
  ASSERT_FALSE(result.trials[result.chosen].kept.empty());
  EXPECT_EQ(result.trials[result.chosen].kept[0], names[2]);
  EXPECT_LE(result.trials[result.chosen].kept.size(), 2U);
}

TEST_F(AccuracyControlTest, RestoresToBf16First) {
  const auto names = use_sabotaged();
  ControlPlan plan = within(3);
  const ControlResult in_f32 = control(plan);
  plan.bf16_first = true;
  const ControlResult result = control(plan);
  EXPECT_TRUE(result.reached);
  const ControlTrial& chosen = result.trials[result.chosen];
  ASSERT_FALSE(chosen.kept_bf16.empty());
  EXPECT_EQ(chosen.kept_bf16[0], names[2]);
  EXPECT_TRUE(chosen.kept.empty());
  EXPECT_LT(chosen.weight_bytes, in_f32.trials[in_f32.chosen].weight_bytes);
  EXPECT_TRUE(result.made.graph.node(result.made.graph.find(names[2])).is_bf16());
}

/// From trial to trial, layers only go from integers to bf16 and from there to f32.
TEST_F(AccuracyControlTest, RaisesALayerToF32WhereBf16IsNotEnough) {
  const auto names = use_sabotaged();
  ControlPlan plan = within(0);
  plan.bf16_first = true;
  const ControlResult result = control(plan);
  std::set<std::string> bf16, raised;
  for (const ControlTrial& trial : result.trials) {
    for (const std::string& layer : trial.kept) {
      EXPECT_EQ(bf16.count(layer), 1U) << layer;
      raised.insert(layer);
      EXPECT_EQ(std::count(trial.kept_bf16.begin(), trial.kept_bf16.end(), layer), 0) << layer;
    }
    for (const std::string& layer : trial.kept_bf16) {
      EXPECT_EQ(raised.count(layer), 0U) << layer;
      bf16.insert(layer);
    }
  }
  // No answer in 120 moves at all, or all but one layer were restored on the way there.
  if (!result.reached) {
    EXPECT_EQ(raised.size(), names.size() - 1);
    EXPECT_EQ(result.ended, "no layer is left to restore");
  }
  EXPECT_FALSE(bf16.empty());
}

TEST_F(AccuracyControlTest, EqualisingFindsTheSabotagedLayerAndKeepsTheFunction) {
  const auto names = use_sabotaged();
  Quantizer made = quantizer();
  const Equalized equal = equalize(made.subject(), made.plan());
  ASSERT_EQ(equal.pairs.size(), 1U);
  EXPECT_EQ(equal.pairs[0].first, names[1]);
  EXPECT_EQ(equal.pairs[0].second, names[2]);
  EXPECT_TRUE(equal.pairs[0].kept);
  EXPECT_GT(*equal.pairs[0].after_db, *equal.pairs[0].before_db + 10);
  const auto same = make_runner(equal.folded, preprocessing_);
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(same->run(input(i)).bytes(), reference_->run(input(i)).bytes());
  }
  // The scaled result was counted anew, and no other.
  const int scaled = graph_->node(graph_->find(names[2])).inputs[0];
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const bool changed = !(tensors_[i].values == equal.tensors[i].values);
    EXPECT_EQ(changed, tensors_[i].layer == graph_->node(scaled).name) << tensors_[i].layer;
    if (!changed) continue;
    Histogram counted;
    for (int64_t k = 0; k < set_.size(); ++k) {
      same->run(input(k), [&](const NodeResult& result) {
        if (equal.folded.node(result.node).name != tensors_[i].layer) return;
        const Tensor values = result.values();
        counted.add(values.data<float>(), static_cast<size_t>(values.count()));
      });
    }
    EXPECT_TRUE(equal.tensors[i].values == counted);
  }
}

TEST_F(AccuracyControlTest, EqualisingLeavesASoundNetworkAlone) {
  use(make_network(), make_network());
  Quantizer made = quantizer();
  const Equalized equal = equalize(made.subject(), made.plan());
  EXPECT_TRUE(equal.pairs.empty());
  EXPECT_EQ(equal.tensors.size(), tensors_.size());
}

TEST_F(AccuracyControlTest, HandsOverTheModelsThatNoneBeforeBeats) {
  use_sabotaged();
  ControlPlan plan = within(3);
  std::vector<size_t> handed;
  plan.unbeaten = [&](const QuantizingResult& made, const std::vector<ControlTrial>& trials) {
    EXPECT_EQ(weight_bytes(made.graph), trials.back().weight_bytes);
    handed.push_back(trials.size() - 1);
  };
  const ControlResult result = control(plan);
  ASSERT_FALSE(handed.empty());
  EXPECT_EQ(handed[0], 0U);
  for (const size_t i : pareto_trials(result.trials)) {
    EXPECT_NE(std::find(handed.begin(), handed.end(), i), handed.end()) << i;
  }
}

TEST_F(AccuracyControlTest, MissingTheShiftGivesTheNearestAndSaysWhy) {
  const Graph sound = make_network();
  use(sound, sound);
  ControlPlan plan = within(0);
  plan.minutes = 0;
  const ControlResult result = control(plan);
  EXPECT_FALSE(result.reached && result.trials.size() > 1);
  if (!result.reached) {
    EXPECT_EQ(result.ended, "the time is up");
  }
}

TEST_F(AccuracyControlTest, GoesOnFromItsJournalToTheSameModel) {
  use_sabotaged();
  ControlPlan plan = within(3);
  plan.bf16_first = true;
  const ControlResult whole = control(plan);
  plan.journal = folder_.path() / "journal";
  plan.fingerprint = "this";
  plan.report = [&](const ControlTrial&) { stop_ = true; };
  const ControlResult stopped = control(plan);
  EXPECT_EQ(stopped.trials.size(), 1U);
  EXPECT_EQ(stopped.ended, "it was interrupted");
  // As a kill in the middle of a line would leave it.
  std::ofstream(plan.journal, std::ios::app) << R"({"ranges":"min)";
  stop_ = false;
  plan.report = [](const ControlTrial&) {};
  plan.resume = true;
  const ControlResult resumed = control(plan);
  ASSERT_EQ(resumed.trials.size(), whole.trials.size());
  for (size_t i = 0; i < whole.trials.size(); ++i) {
    EXPECT_EQ(resumed.trials[i].kept, whole.trials[i].kept);
    EXPECT_EQ(resumed.trials[i].kept_bf16, whole.trials[i].kept_bf16);
    EXPECT_EQ(resumed.trials[i].shift_points, whole.trials[i].shift_points);
  }
  EXPECT_EQ(resumed.scores.correct, whole.scores.correct);
  // Once more: nothing is left to do but the chosen model.
  const ControlResult again = control(plan);
  EXPECT_EQ(again.trials.size(), whole.trials.size());
  EXPECT_EQ(again.scores.correct, whole.scores.correct);
}

TEST_F(AccuracyControlTest, RefusesJournalsOfSomethingElse) {
  use(make_network(), make_network());
  ControlPlan plan = within(50);
  plan.journal = folder_.path() / "journal";
  plan.fingerprint = "this";
  control(plan);
  const auto error = [&] {
    try {
      control(plan);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(error(), testing::HasSubstr("is there already; go on from it with --resume"));
  plan.resume = true;
  EXPECT_EQ(error(), "no error");
  plan.fingerprint = "that";
  EXPECT_THAT(error(), testing::HasSubstr("is no journal of this model"));
  plan.fingerprint = "this";
  std::ofstream(plan.journal, std::ios::app) << "{\"ranges\":3}\n";
  EXPECT_THAT(error(), testing::HasSubstr(":3: is damaged"));
}

TEST(Pareto, LeavesWhatNothingBeats) {
  const auto trial = [](double shift, double ms, int64_t bytes) {
    ControlTrial t;
    t.shift_points = shift;
    t.ms = ms;
    t.weight_bytes = bytes;
    return t;
  };
  const std::vector<ControlTrial> trials{trial(3, 1, 10), trial(2, 2, 20), trial(2.5, 2.5, 20),
                                         trial(1, 3, 30), trial(1, 3, 30)};
  EXPECT_THAT(pareto_trials(trials), testing::ElementsAre(3, 4, 1, 0));
}

}  // namespace
}  // namespace fpcls
