#include "tune/quantizing.h"

#include <algorithm>
#include <utility>

#include "tune/bias_means.h"
#include "tune/classifier_fit.h"
#include "tune/picture_work.h"

namespace fpcls {
namespace {

/// Pictures that the layers' errors are taken from.
constexpr int64_t kWalkPictures = 8, kWalkParts = 4;

}  // namespace

struct Quantizer::Cache {
  explicit Cache(const QuantizingSubject& subject) : solver(subject) {}

  std::unique_ptr<BiasMeans> means;
  ClassifierSolver solver;
};

Quantizer::Quantizer(const QuantizingSubject& subject, QuantizingPlan plan)
    : subject_(subject), plan_(std::move(plan)), cache_(std::make_unique<Cache>(subject)) {}

Quantizer::~Quantizer() = default;

QuantizingResult Quantizer::make(const Int8Options& int8) {
  Int8Choice choice = choose_int8(subject_.folded, subject_.tensors, int8);
  QuantizingResult result{
      std::move(choice.graph), std::move(choice.layers), std::move(choice.rounded), {}, {}, {}};
  if (plan_.correct_biases) {
    if (!cache_->means || !cache_->means->suits(result.graph)) {
      cache_->means = std::make_unique<BiasMeans>(subject_, result.graph, plan_);
    }
    result.graph = cache_->means->corrected(result.graph);
  }
  if (plan_.solve_classifier) solve_classifier(result);
  result.walk = walk(result.graph);
  return result;
}

void Quantizer::solve_classifier(QuantizingResult& result) {
  const std::string refusal = cache_->solver.refusal(result.graph);
  if (!refusal.empty()) {
    result.remarks.push_back("the classifier keeps its weights: " + refusal);
    return;
  }
  ClassifierFit fit;
  result.graph = cache_->solver.solve(result.graph, plan_, fit);
  result.classifier = fit;
}

std::vector<WalkedLayer> Quantizer::walk(const Graph& integers) const {
  const auto executor = make_runner(integers, subject_.preprocessing);
  std::vector<std::unique_ptr<LayerWalk>> parts;
  for (int64_t i = 0; i < kWalkParts; ++i) {
    parts.push_back(std::make_unique<LayerWalk>(WalkSide{&subject_.folded, &subject_.reference},
                                                WalkSide{&integers, executor.get()}));
  }
  const InputSource pictures = spread(subject_.pictures, kWalkPictures);
  for_each_picture(pictures, pictures.count, kWalkParts, "measuring layers", plan_,
                   [&](int64_t part, int64_t, const Tensor& input) {
                     parts[static_cast<size_t>(part)]->add(input, input);
                   });
  std::vector<WalkedLayer> layers = parts[0]->layers();
  for (size_t part = 1; part < parts.size(); ++part) {
    const std::vector<WalkedLayer>& others = parts[part]->layers();
    for (size_t i = 0; i < layers.size(); ++i) {
      layers[i].injected.merge(others[i].injected);
      layers[i].so_far.merge(others[i].so_far);
    }
  }
  return layers;
}

std::unique_ptr<Executor> make_runner(const Graph& graph, const Preprocessing& preprocessing) {
  return make_executor(choose_executor(ExecutorKind::automatic, graph, {}).kind, graph,
                       preprocessing, {});
}

}  // namespace fpcls
