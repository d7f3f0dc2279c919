#include "graph/constant_channels.h"

#include <algorithm>
#include <cmath>

#include "graph/channel_layout.h"

namespace fpcls {
namespace {

using Constant = std::optional<ChannelConstant>;

size_t at_index(int index) { return static_cast<size_t>(index); }

double clamp6(double x) { return std::clamp(x, 0.0, 6.0); }

/// The ops that treat each number alone, for one number; none for other ops.
std::optional<double> apply_elementwise(const Node& node, double x) {
  switch (node.op) {
    case Op::relu:
      return std::max(x, 0.0);
    case Op::relu6:
      return clamp6(x);
    case Op::hardswish:
      return x * clamp6(x + 3) / 6;
    case Op::hardsigmoid:
      return clamp6(x + 3) / 6;
    case Op::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Op::silu:
      return x / (1 + std::exp(-x));
    case Op::gelu:
      return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
    case Op::tanh:
      return std::tanh(x);
    case Op::leaky_relu:
      return x >= 0 ? x : x * std::get<LeakyAttributes>(node.attributes).slope;
    case Op::pow:
      return std::pow(x, std::get<PowerAttributes>(node.attributes).exponent);
    case Op::max_pool:
    case Op::adaptive_avg_pool:
      return x;
    default:
      return std::nullopt;
  }
}

bool pads(const Padding& padding) {
  return std::any_of(padding.begin(), padding.end(), [](int64_t p) { return p > 0; });
}

class Follower {
 public:
  Follower(const Graph& graph, const ChannelGroups& groups) : graph_(graph), groups_(groups) {
    for (int i = 0; i < graph.size(); ++i) {
      ChannelConstants result = follow(i);
      result.resize(groups.axes[at_index(i)].units.size());
      for (Constant& constant : result) {
        if (constant && !std::isfinite(constant->value)) constant.reset();
      }
      results_.push_back(std::move(result));
    }
  }

  std::vector<ChannelConstants> take() { return std::move(results_); }

 private:
  const ChannelConstants& input(const Node& node, size_t number = 0) const {
    return results_[at_index(node.inputs[number])];
  }

  int extent(int node) const { return static_cast<int>(groups_.axes[at_index(node)].units.size()); }

  ChannelConstants follow(int index) const {
    const Node& node = graph_.node(index);
    if (node.op == Op::input || groups_.axes[at_index(index)].axis < 0) return {};
    switch (node.op) {
      case Op::conv:
      case Op::linear:
        return follow_mixing(index);
      case Op::batch_norm:
        return follow_batch_norm(index);
      case Op::affine:
        return follow_affine(index);
      case Op::add:
      case Op::mul:
        return follow_broadcast(index);
      case Op::avg_pool:
        return follow_avg_pool(node);
      default:
        return only_moves(node.op) ? follow_layout(index) : follow_elementwise(node);
    }
  }

  /// An output is constant if all that it weighs with anything but 0 is.
  ChannelConstants follow_mixing(int index) const {
    const Node& node = graph_.node(index);
    const Tensor weight = node.weight("weight"), bias = node.weight("bias");
    const int64_t outputs = weight.shape()[0], inputs = weight.shape()[1];
    const int64_t taps = weight.count() / outputs / inputs;
    const bool conv = node.op == Op::conv;
    const int64_t per_group = outputs / (conv ? node.conv().groups : 1);
    const bool padded = conv && pads(node.conv().padding);
    const ChannelAxis& in = groups_.axes[at_index(node.inputs[0])];
    const bool told_apart =
        in.axis == (conv ? 1 : static_cast<int>(graph_.shape(node.inputs[0]).size()) - 1);
    ChannelConstants result;
    for (int64_t o = 0; o < outputs; ++o) {
      Constant sum = ChannelConstant{bias.empty() ? 0.0 : bias.data<float>()[o], true};
      for (int64_t i = 0; sum && i < inputs; ++i) {
        const float* row = weight.data<float>() + (o * inputs + i) * taps;
        if (std::all_of(row, row + taps, [](float w) { return w == 0; })) continue;
        const auto place = static_cast<size_t>(o / per_group * inputs + i);
        const Constant value = told_apart ? input(node)[place] : Constant();
        if (!value) {
          sum.reset();
          break;
        }
        for (int64_t t = 0; t < taps; ++t) sum->value += value->value * row[t];
        if (!value->everywhere || (padded && value->value != 0)) sum->everywhere = false;
      }
      result.push_back(sum);
    }
    return result;
  }

  ChannelConstants follow_batch_norm(int index) const {
    const Node& node = graph_.node(index);
    const double epsilon = std::get<NormAttributes>(node.attributes).epsilon;
    const auto at = [&](const char* key, int place) -> double {
      return node.weights.at(key).data<float>()[place];
    };
    ChannelConstants result = input(node);
    for (int c = 0; c < extent(index); ++c) {
      Constant& constant = result[at_index(c)];
      if (at("weight", c) == 0) {
        constant = ChannelConstant{at("bias", c), true};
      } else if (constant) {
        const double scale = at("weight", c) / std::sqrt(at("running_var", c) + epsilon);
        constant->value = (constant->value - at("running_mean", c)) * scale + at("bias", c);
      }
    }
    return result;
  }

  /// Scale and shift that differ within a channel make it vary.
  ChannelConstants follow_affine(int index) const {
    const Node& node = graph_.node(index);
    ChannelConstants result = input(node);
    const int axis = groups_.axes[at_index(index)].axis;
    for (const bool is_scale : {true, false}) {
      const Tensor weight = node.weight(is_scale ? "scale" : "shift");
      if (weight.empty()) continue;
      const int64_t along = weight.shape()[at_index(axis)];
      if (weight.count() != along) return {};
      for (int c = 0; c < extent(index); ++c) {
        Constant& constant = result[at_index(c)];
        if (!constant) continue;
        const double number = weight.data<float>()[along == 1 ? 0 : c];
        constant->value = is_scale ? constant->value * number : constant->value + number;
      }
    }
    return result;
  }

  ChannelConstants follow_broadcast(int index) const {
    const Node& node = graph_.node(index);
    ChannelConstants result;
    for (int place = 0; place < extent(index); ++place) {
      const Constant a = broadcast(index, 0, place), b = broadcast(index, 1, place);
      result.push_back(node.op == Op::add ? sum(a, b) : product(a, b));
    }
    return result;
  }

  Constant broadcast(int index, size_t number, int place) const {
    const int from = graph_.node(index).inputs[number];
    const int axis = groups_.axes[at_index(index)].axis;
    if (groups_.axes[at_index(from)].axis != axis) return {};
    const ChannelConstants& constants = results_[at_index(from)];
    return constants.size() == 1 ? constants[0] : constants[at_index(place)];
  }

  static Constant sum(const Constant& a, const Constant& b) {
    if (!a || !b) return {};
    return ChannelConstant{a->value + b->value, a->everywhere && b->everywhere};
  }

  static Constant product(const Constant& a, const Constant& b) {
    const auto zero = [](const Constant& c) { return c && c->value == 0 && c->everywhere; };
    if (zero(a) || zero(b)) return ChannelConstant{0, true};
    if (!a || !b) return {};
    return ChannelConstant{a->value * b->value, a->everywhere && b->everywhere};
  }

  ChannelConstants follow_avg_pool(const Node& node) const {
    ChannelConstants result = input(node);
    if (!node.pool().count_include_pad || !pads(node.pool().padding)) return result;
    for (Constant& constant : result) {
      if (constant && constant->value != 0) constant->everywhere = false;
    }
    return result;
  }

  ChannelConstants follow_elementwise(const Node& node) const {
    ChannelConstants result = input(node);
    for (Constant& constant : result) {
      if (!constant) continue;
      const std::optional<double> value = apply_elementwise(node, constant->value);
      if (value) {
        constant->value = *value;
      } else {
        constant.reset();
      }
    }
    return result;
  }

  ChannelConstants follow_layout(int index) const {
    const Node& node = graph_.node(index);
    std::vector<int> axes;
    for (const int from : node.inputs) axes.push_back(groups_.axes[at_index(from)].axis);
    const LayoutMap map = map_layout(graph_, index, axes);
    ChannelConstants result;
    for (const std::vector<PlaceSource>& sources : map.sources) {
      result.push_back(mean_of(node, sources));
    }
    if (node.op == Op::pad) add_border(node, map.axis, result);
    return result;
  }

  /// Channels that a reshape lays on one place may hold different constants.
  Constant mean_of(const Node& node, const std::vector<PlaceSource>& sources) const {
    const Constant first = constant_at(node, sources[0]);
    ChannelConstant mean;
    for (const PlaceSource& source : sources) {
      const Constant next = constant_at(node, source);
      if (!next) return {};
      mean.value += next->value / static_cast<double>(sources.size());
      mean.everywhere = mean.everywhere && next->everywhere && next->value == first->value;
    }
    if (mean.everywhere) mean.value = first->value;
    return mean;
  }

  Constant constant_at(const Node& node, const PlaceSource& source) const {
    if (source.input == kPadding) {
      return ChannelConstant{std::get<PadAttributes>(node.attributes).value, true};
    }
    const ChannelConstants& constants = input(node, at_index(source.input));
    return constants.empty() ? Constant() : constants[at_index(source.place)];
  }

  /// Places that are added along other axes hold something else.
  static void add_border(const Node& node, int axis, ChannelConstants& result) {
    const auto& pad = std::get<PadAttributes>(node.attributes);
    bool border = false;
    for (size_t i = 0; i < pad.before.size(); ++i) {
      border = border || (i != at_index(axis) && pad.before[i] + pad.after[i] > 0);
    }
    for (Constant& constant : result) {
      if (border && constant && constant->value != pad.value) constant->everywhere = false;
    }
  }

  const Graph& graph_;
  const ChannelGroups& groups_;
  std::vector<ChannelConstants> results_;
};

}  // namespace

std::vector<ChannelConstants> find_constant_channels(const Graph& graph,
                                                     const ChannelGroups& groups) {
  return Follower(graph, groups).take();
}

}  // namespace fpcls
