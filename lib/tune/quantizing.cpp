#include "tune/quantizing.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/threads.h"
#include "compress/bias_correction.h"
#include "compress/ridge.h"
#include "graph/quantize.h"

namespace fpcls {
namespace {

/// Pictures that means and errors are taken from: they settle long before a classifier's weights.
constexpr int64_t kMeanPictures = 128, kWalkPictures = 16;
constexpr int64_t kParts = 16;
constexpr int64_t kMostClassifierWeights = int64_t{1} << 24;

size_t at(int64_t index) { return static_cast<size_t>(index); }

/// Calls `look(worker, picture, input)` for the first `count` pictures.
template <class Look>
void for_each_picture(const InputSource& pictures, int64_t count, const char* what,
                      const QuantizingPlan& plan, const Look& look) {
  std::atomic<int64_t> next{0};
  Progress progress(what, "pictures", count, plan.quiet);
  run_workers(plan.workers, [&](int worker) {
    for (int64_t i = next++; i < count; i = next++) {
      look(worker, i, pictures.read(i));
      progress.advance();
    }
  });
}

/// A layer whose bias is corrected.
struct Corrected {
  int layer = 0;       ///< of the folded graph
  int integers = 0;    ///< the same of the quantized one
  QuantParams params;  ///< of what it reads
};

/// The result that an i8 layer reads is one that is observed, but for rounding.
class BiasCorrection {
 public:
  BiasCorrection(const Graph& folded, const Graph& integers, Executor& reference)
      : folded_(folded), integers_(integers), reference_(reference) {
    const auto grid = grids(integers);
    std::map<int, bool> observed{{0, true}};
    for (const ExecutorStep& step : reference.steps()) observed[step.node] = true;
    for (int i = 0; i < integers.size(); ++i) {
      const Node& node = integers.node(i);
      if (node.op != Op::conv || !node.is_int8()) continue;
      const int layer = folded.find(node.name);
      const int source = folded.node(layer).inputs[0];
      const auto& params = grid[at(node.inputs[0])];
      if (observed.count(source) == 0 || !params) continue;
      by_source_[source].push_back(layers_.size());
      layers_.push_back({layer, i, *params});
    }
  }

  Graph correct(const InputSource& pictures, const QuantizingPlan& plan) {
    const int64_t count = std::min(pictures.count, kMeanPictures);
    // Always the same parts, summed in the same order, whoever takes which.
    std::vector<Sums> sums(at(kParts), start());
    std::atomic<int64_t> next{0};
    Progress progress("correcting biases", "pictures", count, plan.quiet);
    run_workers(plan.workers, [&](int) {
      for (int64_t part = next++; part < kParts; part = next++) {
        for (int64_t i = part; i < count; i += kParts) {
          look(pictures.read(i), sums[at(part)]);
          progress.advance();
        }
      }
    });
    for (size_t part = 1; part < sums.size(); ++part) merge(sums[0], sums[part]);
    std::vector<Node> nodes = integers_.nodes();
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Corrected& c = layers_[i];
      Node& node = nodes[at(c.integers)];
      node =
          with_shifted_bias(node, mean_shift(folded_.node(c.layer), node, sums[0].exact[i].means(),
                                             sums[0].rounded[i].means()));
    }
    return integers_.with_nodes(std::move(nodes));
  }

 private:
  struct Sums {
    std::vector<PatchSums> exact, rounded;
  };

  Sums start() const {
    Sums sums;
    for (const Corrected& c : layers_) {
      sums.exact.emplace_back(folded_, c.layer);
      sums.rounded.emplace_back(folded_, c.layer);
    }
    return sums;
  }

  void take(int node, const Tensor& values, Sums& sums) const {
    const auto found = by_source_.find(node);
    if (found == by_source_.end()) return;
    const Tensor integers = rounded(values, layers_[found->second[0]].params);
    for (const size_t i : found->second) {
      sums.exact[i].add(values);
      sums.rounded[i].add(integers);
    }
  }

  void look(const Tensor& input, Sums& sums) const {
    reference_.run(input, [&](const NodeResult& result) {
      if (by_source_.count(result.node) != 0) take(result.node, result.values(), sums);
    });
  }

  static void merge(Sums& into, const Sums& from) {
    for (size_t i = 0; i < into.exact.size(); ++i) {
      into.exact[i].merge(from.exact[i]);
      into.rounded[i].merge(from.rounded[i]);
    }
  }

  const Graph& folded_;
  const Graph& integers_;
  Executor& reference_;
  std::vector<Corrected> layers_;
  std::map<int, std::vector<size_t>> by_source_;
};

/// The step whose result has the numbers that `node`, a linear layer, reads: flattening moves none.
int features_of(const Graph& graph, const Executor& executor, int node) {
  std::map<int, bool> steps;
  for (const ExecutorStep& step : executor.steps()) steps[step.node] = true;
  int features = graph.node(node).inputs[0];
  while (steps.count(features) == 0 && graph.node(features).op == Op::flatten) {
    features = graph.node(features).inputs[0];
  }
  return steps.count(features) != 0 ? features : -1;
}

/// Why the classifier can't be solved for, or empty.
std::string no_fit_reason(const Graph& graph, const InputSource& pictures) {
  const int layer = classifier_of(graph);
  if (layer < 0 || graph.node(layer).op != Op::linear) return "the last layer is no linear one";
  if (graph.outputs()[0].node != layer) return "something follows the last linear layer";
  const Tensor weight = graph.node(layer).weight("weight");
  if (weight.count() > kMostClassifierWeights) return "the last layer is too large";
  if (graph.shape(graph.node(layer).inputs[0]).size() > 2) return "it acts on more than a vector";
  if (pictures.count < 2) return "one picture says too little";
  return "";
}

class ClassifierSolver {
 public:
  ClassifierSolver(const Graph& graph, Executor& reference, Executor& integers)
      : graph_(graph),
        reference_(reference),
        integers_(integers),
        layer_(classifier_of(graph)),
        features_(features_of(graph, integers, layer_)) {}

  bool possible() const { return features_ >= 0; }

  Graph solve(const InputSource& pictures, const QuantizingPlan& plan, ClassifierFit* fit) {
    const Node& node = graph_.node(layer_);
    const Shape& shape = node.weights.at("weight").shape();
    RidgeProblem problem{pictures.count, shape[1], shape[0], {}, {}};
    problem.x.resize(at(problem.rows * problem.features));
    problem.wanted.resize(at(problem.rows * problem.outputs));
    for_each_picture(pictures, pictures.count, "solving the classifier", plan,
                     [&](int, int64_t i, const Tensor& input) { look(i, input, problem); });
    const RidgeResult result = solve_again(problem, old_layer());
    *fit = {node.name, result.strength, result.rms_before, result.rms_left_out};
    std::vector<Node> nodes = graph_.nodes();
    nodes[at(layer_)].weights["weight"] = Tensor::from(shape, result.layer.weight);
    nodes[at(layer_)].weights["bias"] = Tensor::from({shape[0]}, result.layer.bias);
    return graph_.with_nodes(std::move(nodes));
  }

 private:
  void look(int64_t picture, const Tensor& input, RidgeProblem& problem) {
    const Tensor wanted = reference_.run(input);
    std::copy(wanted.data<float>(), wanted.data<float>() + problem.outputs,
              problem.wanted.begin() + picture * problem.outputs);
    integers_.run(input, [&](const NodeResult& result) {
      if (result.node != features_) return;
      const Tensor values = result.values();
      FPCLS_CHECK(values.count() == problem.features);
      std::copy(values.data<float>(), values.data<float>() + values.count(),
                problem.x.begin() + picture * problem.features);
    });
  }

  LinearLayer old_layer() const {
    const Node& node = graph_.node(layer_);
    const Tensor weight = node.weights.at("weight"), bias = node.weight("bias");
    LinearLayer layer;
    layer.weight.assign(weight.data<float>(), weight.data<float>() + weight.count());
    layer.bias.resize(at(weight.shape()[0]));
    if (!bias.empty()) std::copy_n(bias.data<float>(), layer.bias.size(), layer.bias.begin());
    return layer;
  }

  const Graph& graph_;
  Executor& reference_;
  Executor& integers_;
  int layer_;
  int features_;
};

void solve_classifier(QuantizingResult& result, Executor& reference,
                      const Preprocessing& preprocessing, const InputSource& pictures,
                      const QuantizingPlan& plan) {
  std::string reason = no_fit_reason(result.graph, pictures);
  if (reason.empty()) {
    const auto integers = make_runner(result.graph, preprocessing);
    ClassifierSolver solver(result.graph, reference, *integers);
    if (solver.possible()) {
      ClassifierFit fit;
      Graph solved = solver.solve(pictures, plan, &fit);
      result.graph = std::move(solved);
      result.classifier = fit;
      return;
    }
    reason = "its input is no result of its own";
  }
  result.remarks.push_back("the classifier keeps its weights: " + reason);
}

std::vector<WalkedLayer> walk(const Graph& folded, Executor& reference, const Graph& integers,
                              const Preprocessing& preprocessing, const InputSource& pictures) {
  const auto executor = make_runner(integers, preprocessing);
  LayerWalk walk({&folded, &reference}, {&integers, executor.get()});
  const int64_t count = std::min(pictures.count, kWalkPictures);
  for (int64_t i = 0; i < count; ++i) {
    const Tensor input = pictures.read(i * pictures.count / count);
    walk.add(input, input);
  }
  return walk.layers();
}

}  // namespace

std::unique_ptr<Executor> make_runner(const Graph& graph, const Preprocessing& preprocessing) {
  return make_executor(choose_executor(ExecutorKind::automatic, graph, {}).kind, graph,
                       preprocessing, {});
}

QuantizingResult quantize_network(const Graph& folded, Executor& reference,
                                  const Preprocessing& preprocessing,
                                  const std::vector<CalibrationTensor>& tensors,
                                  const InputSource& pictures, const QuantizingPlan& plan) {
  Int8Choice choice = choose_int8(folded, tensors, plan.int8);
  QuantizingResult result{
      std::move(choice.graph), std::move(choice.layers), std::move(choice.rounded), {}, {}, {}};
  if (plan.correct_biases) {
    Graph corrected = BiasCorrection(folded, result.graph, reference).correct(pictures, plan);
    result.graph = std::move(corrected);
  }
  if (plan.solve_classifier) {
    solve_classifier(result, reference, preprocessing, pictures, plan);
  }
  result.walk = walk(folded, reference, result.graph, preprocessing, pictures);
  return result;
}

}  // namespace fpcls
