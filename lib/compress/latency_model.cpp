#include "compress/latency_model.h"

#include <algorithm>

#include "base/error.h"

namespace fpcls {
namespace {

/// Widths of a group that are tried: about this many, at multiples of this many units.
constexpr int64_t kWidths = 16;
constexpr int64_t kGrain = 8;

int64_t count_kept(const std::vector<int>& units, const std::vector<bool>& keep) {
  return std::count_if(units.begin(), units.end(), [&](int unit) {
    return unit == kFixed || keep[static_cast<size_t>(unit)];
  });
}

/// The number of units between two widths that are tried of a group of `whole`.
int64_t grain_of(int64_t whole) {
  if (whole < kWidths * 2) return 1;
  return std::max(kGrain, (whole / kWidths + kGrain - 1) / kGrain * kGrain);
}

/// `count` channels that no unit takes along.
std::vector<int> fixed(int64_t count) {
  return std::vector<int>(static_cast<size_t>(count), kFixed);
}

}  // namespace

LatencyModel::LatencyModel(const Graph& graph, const ChannelGroups& groups, LayerTimer& timer)
    : timer_(timer),
      groups_(groups.groups),
      unit_count_(static_cast<size_t>(groups.unit_count)) {
  const std::vector<double> other_ms = timer.other_ms(graph);
  for (int i = 0; i < graph.size(); ++i) {
    const Node& node = graph.node(i);
    if (node.op != Op::conv && node.op != Op::linear) {
      const double ms = other_ms[static_cast<size_t>(i)];
      if (ms > 0) others_.push_back({ms, groups.axes[static_cast<size_t>(i)].units});
      continue;
    }
    const Shape& read = graph.shape(node.inputs[0]);
    const Shape& weight = node.weights.at("weight").shape();
    Layer layer;
    layer.shape.op = node.op;
    layer.shape.outputs = weight[0];
    if (node.op == Op::conv) {
      layer.shape.attributes = node.conv();
      layer.shape.inputs = read[1];
      layer.shape.kernel = {weight[2], weight[3]};
      layer.shape.height = read[2];
      layer.shape.width = read[3];
      layer.group_inputs = weight[1];
      layer.group_outputs = weight[0] / node.conv().groups;
      layer.whole_groups = groups.whole_groups[static_cast<size_t>(i)];
    } else {
      layer.shape.inputs = weight[1];
      layer.shape.height = element_count(read) / weight[1];
    }
    layer.outputs = fixed(weight[0]);
    layer.inputs = fixed(weight[1]);
    for (const WeightAxis& axis : weight_axes(graph, groups, i)) {
      if (axis.key == "weight") (axis.of_input ? layer.inputs : layer.outputs) = axis.units;
    }
    layers_.push_back(std::move(layer));
  }
}

double LatencyModel::layer_ms(const Layer& layer, const std::vector<bool>& keep) const {
  LayerShape shape = layer.shape;
  shape.outputs = count_kept(layer.outputs, keep);
  int64_t& groups = shape.attributes.groups;
  int64_t group_inputs = count_kept(layer.inputs, keep);
  if (layer.whole_groups) {
    group_inputs = layer.group_inputs;
    groups = shape.outputs / layer.group_outputs;
  }
  shape.inputs = shape.op == Op::conv ? group_inputs * groups : group_inputs;
  if (shape.outputs < 1 || shape.inputs < 1) return 0;
  return timer_.layer_ms(shape);
}

double LatencyModel::ms(const std::vector<bool>& keep) const {
  FPCLS_CHECK(keep.size() == unit_count_);
  double sum = 0;
  for (const Layer& layer : layers_) sum += layer_ms(layer, keep);
  for (const Other& other : others_) {
    const auto whole = static_cast<double>(std::max<size_t>(other.units.size(), 1));
    const auto left = static_cast<double>(count_kept(other.units, keep));
    sum += other.ms * (other.units.empty() ? 1 : left / whole);
  }
  return sum;
}

std::vector<const LatencyModel::Layer*> LatencyModel::layers_of(const ChannelGroup& group) const {
  std::vector<const Layer*> found;
  const auto touches = [&](const std::vector<int>& units) {
    return std::any_of(units.begin(), units.end(), [&](int unit) {
      return std::binary_search(group.units.begin(), group.units.end(), unit);
    });
  };
  for (const Layer& layer : layers_) {
    if (touches(layer.inputs) || touches(layer.outputs)) found.push_back(&layer);
  }
  return found;
}

std::vector<std::vector<int64_t>> LatencyModel::cliffs() const {
  std::vector<std::vector<int64_t>> all;
  for (const ChannelGroup& group : groups_) {
    const std::vector<const Layer*> layers = layers_of(group);
    const auto whole = static_cast<int64_t>(group.units.size());
    const int64_t grain = grain_of(whole);
    std::vector<bool> keep(unit_count_, true);
    std::vector<int64_t> widths;
    double quickest = 0;
    for (int64_t width = whole; width >= 1;
         width = (width - 1) / grain * grain) {
      for (int64_t i = width; i < whole; ++i) {
        keep[static_cast<size_t>(group.units[static_cast<size_t>(i)])] = false;
      }
      double ms = 0;
      for (const Layer* layer : layers) ms += layer_ms(*layer, keep);
      if (!widths.empty() && ms >= quickest * (1 - kCliff)) continue;
      quickest = ms;
      widths.insert(widths.begin(), width);
    }
    all.push_back(std::move(widths));
  }
  return all;
}

}  // namespace fpcls
