#include "torch/script_source.h"

#include <fmt/ranges.h>

#include <cctype>
#include <cmath>
#include <set>

#include "base/text.h"

namespace fpcls {
namespace {

/// A number that TorchScript reads as a float.
std::string number(double value) {
  FPCLS_CHECK(std::isfinite(value));
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + "." : text;
}

template <class List>
std::string list(const List& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

const char* boolean(bool value) { return value ? "True" : "False"; }

bool is_even(const Padding& padding) {
  return padding[0] == padding[2] && padding[1] == padding[3];
}

std::string ends(const Padding& padding) { return list(Pair{padding[0], padding[1]}); }

/// A part of a layer's name as a module's: letters, digits and underscores, none that is taken.
std::string module_name(std::string_view part) {
  std::string name(part);
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  static const std::set<std::string> kTaken{"", "training", "forward"};
  return kTaken.count(name) != 0 ? name + "_" : name;
}

std::vector<std::string> module_path(const std::string& layer) {
  std::vector<std::string> path;
  for (size_t begin = 0; begin <= layer.size();) {
    const size_t end = std::min(layer.find('.', begin), layer.size());
    path.push_back(module_name(std::string_view(layer).substr(begin, end - begin)));
    begin = end + 1;
  }
  return path;
}

class Writer {
 public:
  explicit Writer(const Graph& graph) : graph_(graph) {
    for (const Node& node : graph.nodes()) {
      if (node.weights.empty()) continue;
      std::vector<std::string> path;
      for (const std::string& part : module_path(node.name)) {
        path.push_back(part);
        taken_.insert(path);
      }
    }
  }

  ScriptSource write() {
    source_.forward = "def forward(self, x):\n  v0 = x\n";
    for (int i = 1; i < graph_.size(); ++i) {
      node_ = &graph_.node(i);
      source_.forward += fmt::format("  v{} = {}\n", i, expression(i));
    }
    std::vector<std::string> outputs;
    for (const GraphOutput& output : graph_.outputs()) {
      outputs.push_back(fmt::format("v{}", output.node));
    }
    source_.forward += fmt::format("  return {}\n", fmt::join(outputs, ", "));
    return std::move(source_);
  }

 private:
  std::string input(size_t i = 0) const { return fmt::format("v{}", node_->inputs[i]); }

  template <class A>
  const A& attributes() const {
    return std::get<A>(node_->attributes);
  }

  /// An expression for the node's weight, or None.
  std::string weight(const std::string& key) {
    const Tensor value = node_->weight(key);
    if (value.empty()) return "None";
    std::vector<std::string> path = module_path(node_->name);
    path.push_back(key);
    while (!taken_.insert(path).second) path.back() += "_";
    source_.weights.push_back({path, value, is_parameter(*node_, key)});
    std::string expression = "self";
    for (const std::string& part : path) {
      // A name may be a number, which only this form takes.
      expression = fmt::format("getattr({}, \"{}\")", expression, part);
    }
    return expression;
  }

  std::string call(const char* function) const {
    return fmt::format("torch.{}({})", function, input());
  }

  /// The input with a border, where the two ends differ; PyTorch's own layers pad both alike.
  std::string bordered(const Padding& padding, const std::string& value) const {
    if (is_even(padding)) return input();
    const auto& [top, left, bottom, right] = padding;
    return fmt::format("torch.constant_pad_nd({}, [{}, {}, {}, {}], {})", input(), left, right, top,
                       bottom, value);
  }

  std::string conv() {
    const ConvAttributes& a = node_->conv();
    const std::string w = weight("weight"), b = weight("bias");
    return fmt::format("torch.conv2d({}, {}, {}, {}, {}, {}, {})", bordered(a.padding, "0."), w, b,
                       list(a.stride), is_even(a.padding) ? ends(a.padding) : "[0, 0]",
                       list(a.dilation), a.groups);
  }

  std::string pool(int index) const {
    const PoolAttributes& a = node_->pool();
    const bool even = is_even(a.padding), mean = node_->op == Op::avg_pool;
    const std::string padding = even ? ends(a.padding) : "[0, 0]";
    const auto mean_of = [&](const std::string& x, bool count) {
      return fmt::format("torch.avg_pool2d({}, {}, {}, {}, {}, {})", x, list(a.kernel),
                         list(a.stride), padding, boolean(a.ceil_mode), boolean(count));
    };
    const std::string x = bordered(a.padding, mean ? "0." : "float(\"-inf\")");
    std::string result;
    if (!mean) {
      result = fmt::format("torch.max_pool2d({}, {}, {}, {}, {}, {})", x, list(a.kernel),
                           list(a.stride), padding, list(a.dilation), boolean(a.ceil_mode));
    } else if (even || a.count_include_pad) {
      result = mean_of(x, a.count_include_pad);
    } else {
      const std::string ones = fmt::format("torch.ones_like({})", input());
      const auto& [top, left, bottom, right] = a.padding;
      result = fmt::format("{} / {}", mean_of(x, true),
                           mean_of(fmt::format("torch.constant_pad_nd({}, [{}, {}, {}, {}], 0.)",
                                               ones, left, right, top, bottom),
                                   true));
    }
    if (even || !a.ceil_mode) return result;
    // A window of nothing but border, which PyTorch's own padding leaves out.
    const Shape& shape = graph_.shape(index);
    return fmt::format("({})[:, :, :{}, :{}]", result, shape[2], shape[3]);
  }

  std::string batch_norm() {
    const auto& a = attributes<NormAttributes>();
    const std::string w = weight("weight"), b = weight("bias"), mean = weight("running_mean"),
                      variance = weight("running_var");
    return fmt::format("torch.batch_norm({}, {}, {}, {}, {}, self.training, {}, {}, True)", input(),
                       w, b, mean, variance, number(a.momentum), number(a.epsilon));
  }

  std::string layer_norm(int index) {
    const auto& a = attributes<LayerNormAttributes>();
    const Shape& shape = graph_.shape(index);
    const std::string w = weight("weight"), b = weight("bias");
    return fmt::format("torch.layer_norm({}, {}, {}, {}, {})", input(),
                       list(Shape(shape.begin() + a.axis, shape.end())), w, b, number(a.epsilon));
  }

  std::string affine() {
    const std::string scale = weight("scale"), shift = weight("shift");
    std::string result = input();
    if (scale != "None") result += " * " + scale;
    if (shift != "None") result += " + " + shift;
    return result;
  }

  std::string concat() const {
    std::vector<std::string> inputs;
    for (size_t i = 0; i < node_->inputs.size(); ++i) inputs.push_back(input(i));
    return fmt::format("torch.cat({}, {})", list(inputs), attributes<AxisAttributes>().axis);
  }

  std::string slice() const {
    const auto& a = attributes<SliceAttributes>();
    std::string before;
    for (int64_t axis = 0; axis < a.axis; ++axis) before += ":, ";
    return fmt::format("{}[{}{}:{}:{}]", input(), before, a.begin, a.end, a.step);
  }

  std::string pad() const {
    const auto& a = attributes<PadAttributes>();
    std::vector<int64_t> counts;  // from the last axis
    for (size_t axis = a.before.size(); axis-- > 0;) {
      counts.push_back(a.before[axis]);
      counts.push_back(a.after[axis]);
    }
    return fmt::format("torch.constant_pad_nd({}, {}, {})", input(), list(counts), number(a.value));
  }

  std::string expression(int index) {
    if (node_->is_int8() || node_->is_bf16()) {
      fail("layer {}: {} weights can't be exported to TorchScript", quoted(node_->name),
           enum_name(node_->weight("weight").dtype()));
    }
    switch (node_->op) {
      case Op::conv:
        return conv();
      case Op::linear: {
        const std::string w = weight("weight"), b = weight("bias");
        return fmt::format("torch.linear({}, {}, {})", input(), w, b);
      }
      case Op::batch_norm:
        return batch_norm();
      case Op::layer_norm:
        return layer_norm(index);
      case Op::affine:
        return affine();
      case Op::concat:
        return concat();
      case Op::max_pool:
      case Op::avg_pool:
        return pool(index);
      case Op::slice:
        return slice();
      case Op::pad:
        return pad();
      default:
        return short_expression();
    }
  }

  std::string short_expression() const {
    switch (node_->op) {
      case Op::relu:
      case Op::hardswish:
      case Op::hardsigmoid:
      case Op::sigmoid:
      case Op::silu:
      case Op::gelu:
      case Op::tanh:
        return call(std::string(enum_name(node_->op)).c_str());
      case Op::relu6:
        return fmt::format("torch.hardtanh({}, 0., 6.)", input());
      case Op::leaky_relu:
        return fmt::format("torch.leaky_relu({}, {})", input(),
                           number(attributes<LeakyAttributes>().slope));
      case Op::pow:
        return fmt::format("torch.pow({}, {})", input(),
                           number(attributes<PowerAttributes>().exponent));
      case Op::add:
        return fmt::format("{} + {}", input(), input(1));
      case Op::mul:
        return fmt::format("{} * {}", input(), input(1));
      case Op::matmul:
        return fmt::format("torch.matmul({}, {})", input(), input(1));
      case Op::adaptive_avg_pool:
        return fmt::format("torch.adaptive_avg_pool2d({}, {})", input(),
                           list(attributes<AdaptivePoolAttributes>().output));
      case Op::flatten:
        return fmt::format("torch.flatten({}, {})", input(), attributes<AxisAttributes>().axis);
      case Op::softmax:
        return fmt::format("torch.softmax({}, {})", input(), attributes<AxisAttributes>().axis);
      case Op::reshape:
        return fmt::format("torch.reshape({0}, [{0}.size(0), {1}])", input(),
                           fmt::join(attributes<ReshapeAttributes>().shape, ", "));
      case Op::permute:
        return fmt::format("torch.permute({}, {})", input(),
                           list(attributes<PermuteAttributes>().axes));
      default:
        fail("layer {}: {} can't be exported to TorchScript", quoted(node_->name),
             enum_name(node_->op));
    }
  }

  const Graph& graph_;
  const Node* node_ = nullptr;  ///< being written
  ScriptSource source_;
  std::set<std::vector<std::string>> taken_;  ///< paths of modules and tensors
};

}  // namespace

ScriptSource script_source(const Graph& graph) { return Writer(graph).write(); }

}  // namespace fpcls
