#include "tune/classifier_fit.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "compress/ridge.h"
#include "tune/picture_work.h"

namespace fpcls {
namespace {

constexpr int64_t kMostWeights = int64_t{1} << 24;

size_t at(int64_t index) { return static_cast<size_t>(index); }

/// The step whose result has the numbers that `node`, a linear layer, reads (flattening moves
/// none), or -1.
int features_of(const Graph& graph, const Executor& executor, int node) {
  std::set<int> steps{0};
  for (const ExecutorStep& step : executor.steps()) steps.insert(step.node);
  int features = graph.node(node).inputs[0];
  while (steps.count(features) == 0 && graph.node(features).op == Op::flatten) {
    features = graph.node(features).inputs[0];
  }
  return steps.count(features) != 0 ? features : -1;
}

LinearLayer layer_of(const Node& node) {
  const Tensor weight = node.weights.at("weight"), bias = node.weight("bias");
  LinearLayer layer;
  layer.weight.assign(weight.data<float>(), weight.data<float>() + weight.count());
  layer.bias.resize(at(weight.shape()[0]));
  if (!bias.empty()) std::copy_n(bias.data<float>(), layer.bias.size(), layer.bias.begin());
  return layer;
}

Graph with_layer(const Graph& graph, int index, const LinearLayer& layer) {
  std::vector<Node> nodes = graph.nodes();
  Node& node = nodes[at(index)];
  const Shape shape = node.weights.at("weight").shape();
  node.weights["weight"] = Tensor::from(shape, layer.weight);
  node.weights["bias"] = Tensor::from({shape[0]}, layer.bias);
  return graph.with_nodes(std::move(nodes));
}

}  // namespace

std::string ClassifierSolver::refusal(const Graph& integers) const {
  const int layer = classifier_of(integers);
  if (layer < 0 || integers.node(layer).op != Op::linear) return "the last layer is no linear one";
  if (integers.outputs()[0].node != layer) return "something follows the last linear layer";
  const Tensor weight = integers.node(layer).weight("weight");
  if (weight.count() > kMostWeights) return "the last layer is too large";
  if (integers.shape(integers.node(layer).inputs[0]).size() > 2) {
    return "the last layer reads more than a vector";
  }
  return subject_.pictures.count < 2 ? "one picture says too little" : "";
}

void ClassifierSolver::find_logits(const QuantizingPlan& plan) {
  const int64_t count = subject_.pictures.count, outputs = subject_.folded.output_count();
  if (!subject_.pictures.logits.empty()) {
    logits_ = subject_.pictures.logits;
    FPCLS_CHECK(logits_.size() == at(count * outputs));
    return;
  }
  std::vector<double> logits(at(count * outputs));
  for_each_picture(subject_.pictures, count, count, "finding the scores", plan,
                   [&](int64_t, int64_t i, const Tensor& input) {
                     const Tensor y = subject_.reference.run(input);
                     std::copy_n(y.data<float>(), outputs, logits.begin() + i * outputs);
                   });
  logits_ = std::move(logits);
}

Graph ClassifierSolver::solve(const Graph& integers, const QuantizingPlan& plan,
                              ClassifierFit& fit) {
  if (logits_.empty()) find_logits(plan);
  const int layer = classifier_of(integers);
  const Node& node = integers.node(layer);
  const Shape& shape = node.weights.at("weight").shape();
  RidgeProblem problem{subject_.pictures.count, shape[1], shape[0], {}, logits_};
  problem.x.resize(at(problem.rows * problem.features));
  const auto executor = make_runner(integers, subject_.preprocessing);
  const int features = features_of(integers, *executor, layer);
  FPCLS_CHECK(features >= 0);
  for_each_picture(subject_.pictures, problem.rows, problem.rows, "solving the classifier", plan,
                   [&](int64_t, int64_t i, const Tensor& input) {
                     executor->run(input, [&](const NodeResult& result) {
                       if (result.node != features) return;
                       const Tensor values = result.values();
                       FPCLS_CHECK(values.count() == problem.features);
                       std::copy_n(values.data<float>(), values.count(),
                                   problem.x.begin() + i * problem.features);
                     });
                   });
  const RidgeResult result = solve_again(problem, layer_of(node));
  fit = {node.name, result.strength, result.rms_before, result.rms_left_out};
  return with_layer(integers, layer, result.layer);
}

}  // namespace fpcls
