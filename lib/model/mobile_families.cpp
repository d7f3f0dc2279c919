#include <algorithm>
#include <array>

#include "base/text.h"
#include "model/families.h"

namespace fpcls {
namespace {

// More blocks than any member has; a state dict with more is another network's.
constexpr int kMaxBlocks = 64;

/// Adds layers one after the other. Channels, kernels and groups are those of the weights.
class Builder {
 public:
  Builder(WeightFinder& weights, double epsilon) : weights_(weights), epsilon_(epsilon) {
    nodes_.push_back({Op::input, "input", {}, {}, {}});
  }

  int last() const { return static_cast<int>(nodes_.size()) - 1; }
  bool has(const std::string& name) const { return weights_.has(name + ".weight"); }
  int64_t channels() const { return channels_; }

  /// Reads node `input`, whose channels are `channels`.
  void go_back(int input, int64_t channels) {
    input_ = input;
    channels_ = channels;
  }

  int add(Op op, const std::string& name, std::vector<int> inputs, Attributes attributes = {}) {
    nodes_.push_back({op, name, std::move(inputs), std::move(attributes), {}});
    return input_ = last();
  }

  int activation(Op op, const std::string& name) { return add(op, name, {input_}); }

  void conv(const std::string& name, int64_t stride, bool bias = false) {
    const Tensor weight = weights_.find_of_rank(name + ".weight", 4);
    const Shape shape = weight.empty() ? Shape{1, 1, 1, 1} : weight.shape();
    ConvAttributes attributes;
    attributes.stride = {stride, stride};
    const int64_t pad = shape[2] / 2;
    attributes.padding = {pad, pad, pad, pad};
    attributes.groups = std::max<int64_t>(1, channels_ / shape[1]);
    add(Op::conv, name, {input_}, attributes);
    nodes_.back().weights["weight"] = weight;
    channels_ = shape[0];
    if (bias) nodes_.back().weights["bias"] = weights_.find(name + ".bias", {channels_});
  }

  void batch_norm(const std::string& name) {
    add(Op::batch_norm, name, {input_}, NormAttributes{epsilon_, 0.1});
    for (const char* key : {"weight", "bias", "running_mean", "running_var"}) {
      nodes_.back().weights[key] = weights_.find(name + "." + key, {channels_});
    }
  }

  /// `prefix`.0 and `prefix`.1, as torchvision's Conv2dNormActivation has them.
  void conv_norm(const std::string& prefix, int64_t stride) {
    conv(prefix + ".0", stride);
    batch_norm(prefix + ".1");
  }
  void conv_norm(const std::string& prefix, int64_t stride, Op after) {
    conv_norm(prefix, stride);
    activation(after, prefix + ".2");
  }

  /// Squeeze and excitation: each channel times a factor that its means decide.
  void squeeze_excite(const std::string& prefix, Op inner) {
    const int all = input_;
    const int64_t channels = channels_;
    add(Op::adaptive_avg_pool, prefix + ".avgpool", {all}, AdaptivePoolAttributes{{1, 1}});
    conv(prefix + ".fc1", 1, /*bias=*/true);
    activation(inner, prefix + ".activation");
    conv(prefix + ".fc2", 1, /*bias=*/true);
    const int factor = activation(Op::sigmoid, prefix + ".scale_activation");
    add(Op::mul, prefix + ".mul", {all, factor});
    channels_ = channels;
  }

  void classifier(const std::string& name) {
    add(Op::adaptive_avg_pool, "avgpool", {input_}, AdaptivePoolAttributes{{1, 1}});
    add(Op::flatten, "flatten", {input_}, AxisAttributes{1});
    const Tensor weight = weights_.find_of_rank(name + ".weight", 2);
    add(Op::linear, name, {input_});
    nodes_.back().weights["weight"] = weight;
    const int64_t outputs = weight.empty() ? 1 : weight.shape()[0];
    nodes_.back().weights["bias"] = weights_.find(name + ".bias", {outputs});
  }

  /// Throws Error unless the weights were what was asked for.
  Graph finish(const std::string& architecture, int height, int width, const std::string& where) {
    weights_.check(architecture, where);
    const int output = last();
    return Graph({1, 3, height, width}, std::move(nodes_), {{"logits", output}}, where);
  }

 private:
  WeightFinder& weights_;
  const double epsilon_;
  std::vector<Node> nodes_;
  int input_ = 0;         // what the next layer reads
  int64_t channels_ = 3;  // of that
};

/// Adds the block's input to its result where both have the same shape.
void add_shortcut(Builder& builder, const std::string& prefix, int input, int64_t channels,
                  int64_t stride) {
  if (stride != 1 || builder.channels() != channels) return;
  builder.add(Op::add, prefix + ".add", {builder.last(), input});
}

void mobilenet_v2(Builder& builder) {
  constexpr std::array<int, 17> kStrides{1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1};
  builder.conv_norm("features.0", 2, Op::relu6);
  for (size_t i = 0; i < kStrides.size(); ++i) {
    const std::string prefix = fmt::format("features.{}", i + 1);
    const int input = builder.last();
    const int64_t channels = builder.channels();
    const bool expands = builder.has(prefix + ".conv.3");
    if (expands) builder.conv_norm(prefix + ".conv.0", 1, Op::relu6);
    builder.conv_norm(prefix + (expands ? ".conv.1" : ".conv.0"), kStrides[i], Op::relu6);
    builder.conv(prefix + (expands ? ".conv.2" : ".conv.1"), 1);
    builder.batch_norm(prefix + (expands ? ".conv.3" : ".conv.2"));
    add_shortcut(builder, prefix, input, channels, kStrides[i]);
  }
  builder.conv_norm("features.18", 1, Op::relu6);
  builder.classifier("classifier.1");
}

void efficientnet(Builder& builder) {
  constexpr std::array<int, 7> kStrides{1, 2, 2, 2, 1, 2, 1};
  builder.conv_norm("features.0", 2, Op::silu);
  for (size_t stage = 0; stage < kStrides.size(); ++stage) {
    for (int i = 0; i < kMaxBlocks; ++i) {
      const std::string prefix = fmt::format("features.{}.{}.block", stage + 1, i);
      if (!builder.has(prefix + ".0.0")) break;
      const int input = builder.last();
      const int64_t channels = builder.channels(), stride = i == 0 ? kStrides[stage] : 1;
      const bool expands = builder.has(prefix + ".3.0");
      int part = 0;
      const auto next = [&] { return fmt::format("{}.{}", prefix, part++); };
      if (expands) builder.conv_norm(next(), 1, Op::silu);
      builder.conv_norm(next(), stride, Op::silu);
      builder.squeeze_excite(next(), Op::silu);
      builder.conv_norm(next(), 1);
      add_shortcut(builder, fmt::format("features.{}.{}", stage + 1, i), input, channels, stride);
    }
  }
  builder.conv_norm("features.8", 1, Op::silu);
  builder.classifier("classifier.1");
}

void regnet_block(Builder& builder, const std::string& prefix, int64_t stride) {
  const int input = builder.last();
  const int64_t channels = builder.channels();
  int shortcut = input;
  if (builder.has(prefix + ".proj.0")) {
    builder.conv_norm(prefix + ".proj", stride);
    shortcut = builder.last();
    builder.go_back(input, channels);
  }
  builder.conv_norm(prefix + ".f.a", 1, Op::relu);
  builder.conv_norm(prefix + ".f.b", stride, Op::relu);
  if (builder.has(prefix + ".f.se.fc1")) builder.squeeze_excite(prefix + ".f.se", Op::relu);
  builder.conv_norm(prefix + ".f.c", 1);
  builder.add(Op::add, prefix + ".add", {shortcut, builder.last()});
  builder.activation(Op::relu, prefix + ".activation");
}

void regnet(Builder& builder) {
  builder.conv_norm("stem", 2, Op::relu);
  for (int stage = 1; stage <= 4; ++stage) {
    for (int i = 0; i < kMaxBlocks; ++i) {
      const std::string prefix = fmt::format("trunk_output.block{0}.block{0}-{1}", stage, i);
      if (!builder.has(prefix + ".f.a.0")) break;
      regnet_block(builder, prefix, i == 0 ? 2 : 1);
    }
  }
  builder.classifier("fc");
}

struct Family {
  std::string_view name;
  void (*build)(Builder&);
};

constexpr Family kFamilies[] = {
    {"mobilenet_v2", mobilenet_v2},    {"efficientnet_b0", efficientnet},
    {"efficientnet_b1", efficientnet}, {"efficientnet_b2", efficientnet},
    {"efficientnet_b3", efficientnet}, {"efficientnet_b4", efficientnet},
    {"regnet_x_400mf", regnet},        {"regnet_x_800mf", regnet},
    {"regnet_x_1_6gf", regnet},        {"regnet_x_3_2gf", regnet},
    {"regnet_x_8gf", regnet},          {"regnet_y_400mf", regnet},
    {"regnet_y_800mf", regnet},        {"regnet_y_1_6gf", regnet},
    {"regnet_y_3_2gf", regnet},        {"regnet_y_8gf", regnet}};

}  // namespace

std::vector<std::string> mobile_architectures() {
  std::vector<std::string> names;
  for (const Family& family : kFamilies) names.emplace_back(family.name);
  return names;
}

Graph mobile_from_weights(const std::string& architecture, WeightFinder& weights, int height,
                          int width, const std::string& where) {
  for (const Family& family : kFamilies) {
    if (family.name != architecture) continue;
    Builder builder(weights, 1e-5);
    family.build(builder);
    return builder.finish(architecture, height, width, where);
  }
  FPCLS_CHECK(false);
  return Graph({1, 3, 1, 1}, {}, {});
}

}  // namespace fpcls
