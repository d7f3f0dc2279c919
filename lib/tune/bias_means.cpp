#include "tune/bias_means.h"

#include <algorithm>
#include <set>
#include <utility>

#include "graph/quantize.h"
#include "tune/picture_work.h"

namespace fpcls {
namespace {

/// Means settle long before a classifier's weights: with 256 the error of six models' logits was
/// within a tenth.
constexpr int64_t kPictures = 32, kParts = 16;

/// For each integer layer: its node, and how what it reads is rounded.
std::vector<std::pair<int, QuantParams>> integer_layers(const Graph& integers) {
  const auto grid = grids(integers);
  std::vector<std::pair<int, QuantParams>> layers;
  for (int i = 0; i < integers.size(); ++i) {
    const Node& node = integers.node(i);
    if (node.op != Op::conv || !node.is_int8()) continue;
    if (const auto& params = grid[static_cast<size_t>(node.inputs[0])])
      layers.push_back({i, *params});
  }
  return layers;
}

}  // namespace

BiasMeans::BiasMeans(const QuantizingSubject& subject, const Graph& integers,
                     const QuantizingPlan& plan)
    : folded_(subject.folded) {
  std::set<int> observed{0};
  for (const ExecutorStep& step : subject.reference.steps()) observed.insert(step.node);
  for (const auto& [layer, params] : integer_layers(integers)) {
    const int node = folded_.find(integers.node(layer).name);
    const int source = folded_.node(node).inputs[0];
    if (observed.count(source) == 0) {
      unobserved_.insert(node);
      continue;
    }
    measured_[node] = layers_.size();
    readers_[source].push_back(layers_.size());
    layers_.push_back({node, params, PatchSums(folded_, node), PatchSums(folded_, node)});
  }
  const InputSource pictures = spread(subject.pictures, kPictures);
  std::vector<std::vector<Layer>> parts(kParts, layers_);
  for_each_picture(pictures, pictures.count, kParts, "measuring means", plan,
                   [&](int64_t part, int64_t, const Tensor& input) {
                     subject.reference.run(input, [&](const NodeResult& result) {
                       if (readers_.count(result.node) == 0) return;
                       look(result.node, result.values(), parts[static_cast<size_t>(part)]);
                     });
                   });
  for (const std::vector<Layer>& part : parts) {
    for (size_t i = 0; i < layers_.size(); ++i) {
      layers_[i].exact.merge(part[i].exact);
      layers_[i].rounded.merge(part[i].rounded);
    }
  }
}

void BiasMeans::look(int node, const Tensor& values, std::vector<Layer>& layers) const {
  const std::vector<size_t>& readers = readers_.at(node);
  const Tensor integers = rounded(values, layers[readers[0]].params);
  for (const size_t i : readers) {
    layers[i].exact.add(values);
    layers[i].rounded.add(integers);
  }
}

bool BiasMeans::suits(const Graph& integers) const {
  for (const auto& [layer, params] : integer_layers(integers)) {
    const int node = folded_.find(integers.node(layer).name);
    if (unobserved_.count(node) != 0) continue;
    const auto found = measured_.find(node);
    if (found == measured_.end() || !(layers_[found->second].params == params)) return false;
  }
  return true;
}

Graph BiasMeans::corrected(const Graph& integers) const {
  std::vector<Node> nodes = integers.nodes();
  for (const auto& [layer, params] : integer_layers(integers)) {
    Node& node = nodes[static_cast<size_t>(layer)];
    const auto found = measured_.find(folded_.find(node.name));
    if (found == measured_.end()) continue;
    const Layer& known = layers_[found->second];
    node = with_shifted_bias(node, mean_shift(folded_.node(known.node), node, known.exact.means(),
                                              known.rounded.means()));
  }
  return integers.with_nodes(std::move(nodes));
}

}  // namespace fpcls
