#include "graph/cut_channels.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "graph/constant_channels.h"

namespace fpcls {
namespace {

size_t at_index(int index) { return static_cast<size_t>(index); }

/// Only the given places along one axis.
Tensor select_places(const Tensor& tensor, size_t axis, const std::vector<int64_t>& places) {
  const Shape& shape = tensor.shape();
  const auto middle = shape.begin() + static_cast<std::ptrdiff_t>(axis);
  const int64_t outer = element_count(Shape(shape.begin(), middle));
  const auto inner = static_cast<size_t>(element_count(Shape(middle + 1, shape.end())));
  Shape result = shape;
  result[axis] = static_cast<int64_t>(places.size());
  std::vector<float> values(static_cast<size_t>(element_count(result)));
  float* to = values.data();
  for (int64_t i = 0; i < outer; ++i) {
    const float* from = tensor.data<float>() + static_cast<size_t>(i * shape[axis]) * inner;
    for (const int64_t place : places) {
      std::memcpy(to, from + static_cast<size_t>(place) * inner, inner * sizeof(float));
      to += inner;
    }
  }
  return Tensor::from(result, std::move(values));
}

class Cutter {
 public:
  Cutter(const Graph& graph, const ChannelGroups& groups, const std::vector<bool>& keep)
      : graph_(graph), groups_(groups), keep_(keep), nodes_(graph.nodes()) {
    FPCLS_CHECK(static_cast<int>(keep.size()) == groups.unit_count);
  }

  Cut cut() {
    if (std::all_of(keep_.begin(), keep_.end(), [](bool kept) { return kept; })) {
      return {graph_, {}};
    }
    check_something_is_left();
    find_readers();
    take_in_constants();
    for (int i = 1; i < graph_.size(); ++i) cut_node(i);
    return {graph_.with_nodes(std::move(nodes_)), std::move(inexact_)};
  }

 private:
  bool stays(int unit) const { return unit == kFixed || keep_[at_index(unit)]; }

  std::vector<int64_t> kept_places(const std::vector<int>& units) const {
    std::vector<int64_t> places;
    for (size_t i = 0; i < units.size(); ++i) {
      if (stays(units[i])) places.push_back(static_cast<int64_t>(i));
    }
    return places;
  }

  int64_t kept_below(const std::vector<int>& units, int64_t end) const {
    return std::count_if(units.begin(), units.begin() + end, [&](int u) { return stays(u); });
  }

  void check_something_is_left() const {
    for (int i = 0; i < graph_.size(); ++i) {
      const std::vector<int>& units = groups_.axes[at_index(i)].units;
      if (units.empty() || !kept_places(units).empty()) continue;
      fail("layer {}: none of its {} channels would be left; remove less",
           quoted(graph_.node(i).name), units.size());
    }
  }

  void find_readers() {
    readers_.resize(at_index(graph_.size()));
    for (int i = 0; i < graph_.size(); ++i) {
      for (const int from : graph_.node(i).inputs) readers_[at_index(from)].push_back(i);
    }
  }

  /// The batch norm that alone reads `node`, or -1.
  int norm_behind(int node) const {
    const std::vector<int>& found = readers_[at_index(node)];
    const auto& outputs = graph_.outputs();
    const bool is_output = std::any_of(outputs.begin(), outputs.end(),
                                       [&](const GraphOutput& o) { return o.node == node; });
    const bool norm = found.size() == 1 && graph_.node(found[0]).op == Op::batch_norm &&
                      groups_.axes[at_index(found[0])].axis == 1;
    return norm && !is_output ? found[0] : -1;
  }

  void take_in_constants() {
    const std::vector<ChannelConstants> constants = find_constant_channels(graph_, groups_);
    for (int i = 1; i < graph_.size(); ++i) {
      const Node& node = graph_.node(i);
      if (node.op == Op::conv || node.op == Op::linear) {
        take_in(i, constants[at_index(node.inputs[0])]);
      }
      if (node.op == Op::layer_norm) check_layer_norm(i, constants[at_index(node.inputs[0])]);
    }
  }

  void check_layer_norm(int index, const ChannelConstants& constants) {
    const ChannelAxis& in = groups_.axes[at_index(graph_.node(index).inputs[0])];
    const Node& node = graph_.node(index);
    if (in.axis < std::get<LayerNormAttributes>(node.attributes).axis) return;
    for (size_t i = 0; i < in.units.size(); ++i) {
      if (stays(in.units[i]) || !constants[i]) continue;
      inexact_.push_back(node.name);
      return;
    }
  }

  /// Adds what the removed constant inputs of a conv or linear contribute to each output.
  void take_in(int index, const ChannelConstants& constants) {
    const Node& node = graph_.node(index);
    for (const WeightAxis& axis : weight_axes(graph_, groups_, index)) {
      if (!axis.of_input) continue;
      const Tensor weight = node.weight("weight");
      const Shape& shape = weight.shape();
      const int64_t taps = weight.count() / shape[0] / shape[1];
      const int64_t per_group = shape[0] / (node.op == Op::conv ? node.conv().groups : 1);
      std::vector<double> added(static_cast<size_t>(shape[0]));
      bool exact = true, any = false;
      for (int64_t o = 0; o < shape[0]; ++o) {
        for (int64_t i = 0; i < shape[1]; ++i) {
          if (stays(axis.units[static_cast<size_t>(i)])) continue;
          const auto& constant = constants[static_cast<size_t>(o / per_group * shape[1] + i)];
          if (!constant || constant->value == 0) {
            exact = exact && (!constant || constant->everywhere);
            continue;
          }
          any = true;
          exact = exact && constant->everywhere;
          const float* row = weight.data<float>() + (o * shape[1] + i) * taps;
          for (int64_t t = 0; t < taps; ++t) {
            added[static_cast<size_t>(o)] += constant->value * row[t];
          }
        }
      }
      if (any) add_to_bias(index, added);
      const bool padded = node.op == Op::conv && node.conv().padding != Padding{0, 0, 0, 0};
      if (!exact || (any && padded)) inexact_.push_back(node.name);
    }
  }

  void add_to_bias(int index, const std::vector<double>& added) {
    const int norm = norm_behind(index);
    Node& node = nodes_[at_index(index)];
    const bool into_mean = node.weights.count("bias") == 0 && norm >= 0;
    Tensor& target =
        into_mean ? nodes_[at_index(norm)].weights.at("running_mean") : node.weights["bias"];
    std::vector<float> values(added.size());
    for (size_t o = 0; o < added.size(); ++o) {
      const double old = target.empty() ? 0 : target.data<float>()[o];
      values[o] = static_cast<float>(into_mean ? old - added[o] : old + added[o]);
    }
    const auto count = static_cast<int64_t>(values.size());
    target = Tensor::from({count}, std::move(values));
  }

  void cut_node(int index) {
    Node& node = nodes_[at_index(index)];
    const ChannelAxis& out = groups_.axes[at_index(index)];
    for (WeightAxis& axis : weight_axes(graph_, groups_, index)) {
      cut_weight(node, axis);
    }
    // A bias that took in constants is new.
    if (node.op == Op::conv || node.op == Op::linear) {
      if (node.weights.count("bias") != graph_.node(index).weights.count("bias")) {
        cut_weight(node, {"bias", 0, out.units, false});
      }
    }
    if (out.axis >= 0) cut_attributes(index, node, out);
  }

  void cut_weight(Node& node, const WeightAxis& axis) const {
    const std::vector<int64_t> places = kept_places(axis.units);
    if (places.size() == axis.units.size()) return;
    Tensor& weight = node.weights.at(axis.key);
    weight = select_places(weight, axis.axis, places);
  }

  void cut_attributes(int index, Node& node, const ChannelAxis& out) const {
    const auto kept = static_cast<int64_t>(kept_places(out.units).size());
    const ChannelAxis& in = groups_.axes[at_index(node.inputs[0])];
    if (auto* conv = std::get_if<ConvAttributes>(&node.attributes)) {
      const int64_t outputs = graph_.node(index).weights.at("weight").shape()[0];
      if (groups_.whole_groups[at_index(index)]) conv->groups = conv->groups * kept / outputs;
    } else if (auto* reshape = std::get_if<ReshapeAttributes>(&node.attributes)) {
      reshape->shape[at_index(out.axis - 1)] = kept;
    } else if (auto* slice = std::get_if<SliceAttributes>(&node.attributes)) {
      if (slice->axis != out.axis) return;
      const int64_t begin = kept_below(in.units, slice->begin);
      slice->end = kept_below(in.units, slice->end);
      slice->begin = begin;
    } else if (auto* pad = std::get_if<PadAttributes>(&node.attributes)) {
      int64_t& before = pad->before[at_index(out.axis)];
      int64_t& after = pad->after[at_index(out.axis)];
      const auto end = static_cast<int64_t>(out.units.size()) - after;
      after = kept - kept_below(out.units, end);
      before = kept_below(out.units, before);
    }
  }

  const Graph& graph_;
  const ChannelGroups& groups_;
  const std::vector<bool>& keep_;
  std::vector<Node> nodes_;
  std::vector<std::vector<int>> readers_;
  std::vector<std::string> inexact_;
};

}  // namespace

Cut cut_channels(const Graph& graph, const ChannelGroups& groups, const std::vector<bool>& keep) {
  return Cutter(graph, groups, keep).cut();
}

}  // namespace fpcls
