#include "compress/model_costs.h"

#include <algorithm>

namespace fpcls {
namespace {

int64_t count_kept(const std::vector<int>& units, const std::vector<bool>& keep) {
  return std::count_if(units.begin(), units.end(), [&](int unit) {
    return unit == kFixed || keep[static_cast<size_t>(unit)];
  });
}

bool can_lose(const std::vector<int>& units) {
  return std::any_of(units.begin(), units.end(), [](int unit) { return unit != kFixed; });
}

}  // namespace

CostModel::CostModel(const Graph& graph, const ChannelGroups& groups, const LatencyModel* latency)
    : unit_count_(groups.unit_count), latency_(latency) {
  for (int i = 0; i < graph.size(); ++i) {
    const Op op = graph.node(i).op;
    add_weights(graph, groups, i);
    if (op == Op::matmul) fixed_macs_ += mac_count(graph, i);
    const std::vector<int>& units = groups.axes[static_cast<size_t>(i)].units;
    if ((op == Op::conv || op == Op::linear) && can_lose(units)) layers_.push_back(units);
  }
}

void CostModel::add_weights(const Graph& graph, const ChannelGroups& groups, int index) {
  const Node& node = graph.node(index);
  const std::vector<WeightAxis> axes = weight_axes(graph, groups, index);
  for (const auto& [key, tensor] : node.weights) {
    Weight weight;
    Shape rest = tensor.shape();
    for (const WeightAxis& axis : axes) {
      if (axis.key != key) continue;
      rest[axis.axis] = 1;
      weight.units.push_back(axis.units);
    }
    weight.rest = element_count(rest);
    weight.element_bytes = element_bytes(tensor.dtype());
    weight.parameter = is_parameter(node, key);
    if (key == "weight" && (node.op == Op::conv || node.op == Op::linear)) {
      weight.macs_each = element_count(graph.shape(index)) / tensor.shape()[0];
    }
    weights_.push_back(std::move(weight));
  }
}

ModelCosts CostModel::costs(const std::vector<bool>& keep) const {
  FPCLS_CHECK(static_cast<int>(keep.size()) == unit_count_);
  ModelCosts costs;
  costs.macs = fixed_macs_;
  for (const Weight& weight : weights_) {
    int64_t count = weight.rest;
    for (const std::vector<int>& units : weight.units) count *= count_kept(units, keep);
    costs.size_bytes += count * weight.element_bytes;
    costs.macs += count * weight.macs_each;
    if (weight.parameter) costs.parameters += count;
  }
  for (const std::vector<int>& units : layers_) costs.channels += count_kept(units, keep);
  if (latency_ != nullptr) costs.latency_ms = latency_->ms(keep);
  return costs;
}

ModelCosts CostModel::dense() const {
  return costs(std::vector<bool>(static_cast<size_t>(unit_count_), true));
}

}  // namespace fpcls
