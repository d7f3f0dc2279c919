#include "graph/channel_groups.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "graph/channel_layout.h"

namespace fpcls {
namespace {

size_t at_index(int index) { return static_cast<size_t>(index); }

/// Disjoint sets (Tarjan 1975). Each is known by its smallest member.
class Sets {
 public:
  int add() {
    parents_.push_back(static_cast<int>(parents_.size()));
    return parents_.back();
  }

  int find(int member) {
    while (parents_[at_index(member)] != member) {
      int& parent = parents_[at_index(member)];
      parent = parents_[at_index(parent)];
      member = parent;
    }
    return member;
  }

  void unite(int a, int b) {
    a = find(a);
    b = find(b);
    parents_[at_index(std::max(a, b))] = std::min(a, b);
  }

 private:
  std::vector<int> parents_;
};

/// The first set: what stays.
constexpr int kStays = 0;

bool loses_whole_groups(const Node& node) {
  if (node.op != Op::conv) return false;
  const int64_t groups = node.conv().groups;
  return groups > 1 && groups >= node.weights.at("weight").shape()[1];
}

/// Whether the outputs of `node` are new channels, not those of its input again.
bool makes_channels(const Node& node) {
  return node.op == Op::linear || (node.op == Op::conv && !loses_whole_groups(node));
}

class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph) {
    sets_.add();
    for (int i = 0; i < graph.size(); ++i) results_.push_back(follow(i));
    for (const GraphOutput& output : graph.outputs()) fix(results_[at_index(output.node)]);
  }

  ChannelGroups take() {
    ChannelGroups groups;
    std::map<int, int> numbers;
    for (ChannelAxis& result : results_) {
      for (int& member : result.units) {
        const int set = sets_.find(member);
        member = kFixed;
        if (set != kStays) {
          member = numbers.emplace(set, static_cast<int>(numbers.size())).first->second;
        }
      }
    }
    groups.axes = std::move(results_);
    groups.unit_count = static_cast<int>(numbers.size());
    for (const Node& node : graph_.nodes()) {
      groups.whole_groups.push_back(loses_whole_groups(node));
    }
    find_groups(groups);
    return groups;
  }

 private:
  std::vector<int> fresh(int64_t count) {
    std::vector<int> members;
    for (int64_t i = 0; i < count; ++i) members.push_back(sets_.add());
    return members;
  }

  void fix(const ChannelAxis& result) {
    for (const int member : result.units) sets_.unite(member, kStays);
  }

  const ChannelAxis& input(const Node& node, size_t number = 0) const {
    return results_[at_index(node.inputs[number])];
  }

  /// What `node` reads along `axis`; what is told apart along another axis is fixed.
  ChannelAxis input_along(const Node& node, int axis) {
    if (input(node).axis == axis) return input(node);
    fix(input(node));
    return {};
  }

  ChannelAxis follow(int index) {
    const Node& node = graph_.node(index);
    switch (node.op) {
      case Op::input:
        return {};
      case Op::conv:
        return follow_conv(node);
      case Op::linear: {
        const int last = static_cast<int>(graph_.shape(index).size()) - 1;
        input_along(node, last);
        return {last, fresh(graph_.shape(index).back())};
      }
      case Op::batch_norm:
      case Op::max_pool:
      case Op::avg_pool:
      case Op::adaptive_avg_pool:
        return input_along(node, 1);
      case Op::add:
      case Op::mul:
        return follow_broadcast(index);
      case Op::softmax:
        return follow_softmax(node);
      case Op::matmul:
        fix(input(node, 0));
        fix(input(node, 1));
        return {};
      default:
        return only_moves(node.op) ? follow_layout(index) : input(node);
    }
  }

  ChannelAxis follow_conv(const Node& node) {
    const Shape& weight = node.weights.at("weight").shape();
    const int64_t groups = node.conv().groups, per_group = weight[0] / groups;
    const ChannelAxis in = input_along(node, 1);
    ChannelAxis out{1, fresh(weight[0])};
    if (groups == 1) return out;
    const bool whole = loses_whole_groups(node);
    for (int64_t o = 0; o < weight[0]; ++o) {
      const int64_t first = whole ? o / per_group * per_group : o % per_group;
      sets_.unite(out.units[static_cast<size_t>(o)], out.units[static_cast<size_t>(first)]);
      if (whole && in.axis < 0) sets_.unite(out.units[static_cast<size_t>(o)], kStays);
    }
    for (size_t i = 0; i < in.units.size(); ++i) {
      const size_t extent = static_cast<size_t>(weight[1]);
      sets_.unite(in.units[i], in.units[whole ? i / extent * extent : i % extent]);
      if (whole) sets_.unite(in.units[i], out.units[i / extent * static_cast<size_t>(per_group)]);
    }
    return out;
  }

  /// Inputs that are added or multiplied lose the same places. A single place that meets many
  /// stays.
  ChannelAxis follow_broadcast(int index) {
    const Node& node = graph_.node(index);
    ChannelAxis result;
    for (size_t number = 0; number < 2; ++number) {
      const ChannelAxis& in = input(node, number);
      const bool carries =
          in.axis >= 0 && graph_.shape(index)[at_index(in.axis)] ==
                              graph_.shape(node.inputs[number])[at_index(in.axis)];
      if (!carries) {
        fix(in);
      } else if (result.axis < 0) {
        result = in;
      }
    }
    for (size_t number = 0; number < 2; ++number) meet(result, node, number);
    return result;
  }

  void meet(ChannelAxis& result, const Node& node, size_t number) {
    const ChannelAxis& in = input(node, number);
    if (result.axis < 0) return;
    const Shape& shape = graph_.shape(node.inputs[number]);
    const bool same_axis = in.axis == result.axis && in.units.size() == result.units.size();
    for (size_t place = 0; same_axis && place < in.units.size(); ++place) {
      sets_.unite(result.units[place], in.units[place]);
    }
    if (same_axis) return;
    fix(in);
    if (shape[at_index(result.axis)] != 1) fix(result);
  }

  ChannelAxis follow_softmax(const Node& node) {
    const int64_t axis = std::get<AxisAttributes>(node.attributes).axis;
    if (axis == input(node).axis) fix(input(node));
    return input(node);
  }

  ChannelAxis follow_layout(int index) {
    const Node& node = graph_.node(index);
    std::vector<int> axes;
    for (size_t i = 0; i < node.inputs.size(); ++i) axes.push_back(input(node, i).axis);
    const LayoutMap map = map_layout(graph_, index, axes);
    if (map.axis < 0) {
      for (size_t i = 0; i < node.inputs.size(); ++i) fix(input(node, i));
      return {};
    }
    ChannelAxis result{map.axis, {}};
    for (const std::vector<PlaceSource>& sources : map.sources) {
      const int member = sets_.add();
      for (const PlaceSource& source : sources) {
        if (source.input != kPadding) sets_.unite(member, member_at(node, source));
      }
      result.units.push_back(member);
    }
    return result;
  }

  int member_at(const Node& node, const PlaceSource& source) const {
    const ChannelAxis& in = input(node, at_index(source.input));
    return in.axis < 0 ? kStays : in.units[at_index(source.place)];
  }

  /// Units that one layer makes belong to one group.
  void find_groups(ChannelGroups& groups) const {
    Sets sets;
    for (int unit = 0; unit < groups.unit_count; ++unit) sets.add();
    std::vector<std::pair<int, int>> producers;  // a unit of it, the node
    for (int i = 0; i < graph_.size(); ++i) {
      if (!makes_channels(graph_.node(i))) continue;
      int first = kFixed;
      for (const int unit : groups.axes[at_index(i)].units) {
        if (first == kFixed) first = unit;
        if (unit != kFixed) sets.unite(first, unit);
      }
      if (first != kFixed) producers.emplace_back(first, i);
    }
    std::map<int, ChannelGroup> by_set;
    for (const auto& [unit, node] : producers) by_set[sets.find(unit)].producers.push_back(node);
    for (int unit = 0; unit < groups.unit_count; ++unit) {
      const auto found = by_set.find(sets.find(unit));
      if (found != by_set.end()) found->second.units.push_back(unit);
    }
    for (auto& [set, group] : by_set) groups.groups.push_back(std::move(group));
  }

  const Graph& graph_;
  Sets sets_;
  std::vector<ChannelAxis> results_;
};

void add_mixing_axes(const Graph& graph, const ChannelGroups& groups, int index,
                     std::vector<WeightAxis>& axes) {
  const Node& node = graph.node(index);
  const ChannelAxis& in = groups.axes[at_index(node.inputs[0])];
  const ChannelAxis& out = groups.axes[at_index(index)];
  axes.push_back({"weight", 0, out.units, false});
  if (node.weights.count("bias") != 0) axes.push_back({"bias", 0, out.units, false});
  const int last = static_cast<int>(graph.shape(node.inputs[0]).size()) - 1;
  std::vector<int> inputs;
  if (node.op == Op::conv && in.axis == 1 && !groups.whole_groups[at_index(index)]) {
    // The same for each group of the convolution.
    inputs.assign(in.units.begin(), in.units.begin() + node.weights.at("weight").shape()[1]);
  }
  if (node.op == Op::linear && in.axis == last) inputs = in.units;
  if (!inputs.empty()) axes.push_back({"weight", 1, std::move(inputs), true});
}

}  // namespace

ChannelGroups find_channel_groups(const Graph& graph) { return Finder(graph).take(); }

ChannelGroups remaining_groups(const ChannelGroups& groups, const std::vector<bool>& keep) {
  const auto goes = [&](int unit) { return unit != kFixed && !keep[at_index(unit)]; };
  const auto erase = [&](std::vector<int>& units) {
    units.erase(std::remove_if(units.begin(), units.end(), goes), units.end());
  };
  ChannelGroups result = groups;
  for (ChannelAxis& axis : result.axes) erase(axis.units);
  for (ChannelGroup& group : result.groups) erase(group.units);
  return result;
}

std::vector<WeightAxis> weight_axes(const Graph& graph, const ChannelGroups& groups, int index) {
  const Node& node = graph.node(index);
  const ChannelAxis& out = groups.axes[at_index(index)];
  std::vector<WeightAxis> axes;
  if (node.op == Op::conv || node.op == Op::linear) {
    add_mixing_axes(graph, groups, index, axes);
    return axes;
  }
  if (out.axis < 0) return axes;
  for (const auto& [key, weight] : node.weights) {
    int axis = out.axis;
    if (node.op == Op::batch_norm) axis = 0;
    if (node.op == Op::layer_norm) {
      axis -= static_cast<int>(std::get<LayerNormAttributes>(node.attributes).axis);
    }
    // A number for all channels, or for the places along other axes, stays.
    if (axis < 0 || weight.shape()[at_index(axis)] != static_cast<int64_t>(out.units.size())) {
      continue;
    }
    axes.push_back({key, at_index(axis), out.units, false});
  }
  return axes;
}

}  // namespace fpcls
