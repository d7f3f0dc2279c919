#include "model/resnet.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "base/text.h"
#include "model/families.h"
#include "model/initial_weights.h"

namespace fpcls {
namespace {

/// One member of the family. A block's 3x3 convolution has `planes * base_width / 64 * groups`
/// channels, `planes` being 64 in the first stage and doubling in each.
struct Family {
  std::string_view name;
  bool bottleneck;
  std::array<int, 4> blocks;
  int groups = 1;
  int base_width = 64;
};

constexpr std::array<Family, 9> kFamilies = {{{"resnet18", false, {2, 2, 2, 2}},
                                              {"resnet34", false, {3, 4, 6, 3}},
                                              {"resnet50", true, {3, 4, 6, 3}},
                                              {"resnet101", true, {3, 4, 23, 3}},
                                              {"resnet152", true, {3, 8, 36, 3}},
                                              {"resnext50_32x4d", true, {3, 4, 6, 3}, 32, 4},
                                              {"resnext101_32x8d", true, {3, 4, 23, 3}, 32, 8},
                                              {"wide_resnet50_2", true, {3, 4, 6, 3}, 1, 128},
                                              {"wide_resnet101_2", true, {3, 4, 23, 3}, 1, 128}}};

const Family& find_family(const std::string& name) {
  for (const Family& family : kFamilies) {
    if (family.name == name) return family;
  }
  const std::vector<std::string> known = resnet_architectures();
  const std::string close = closest_name(name, known);
  if (!close.empty()) {
    fail("architecture {} is not known; did you mean {}?", quoted(name), quoted(close));
  }
  fail("architecture {} is not known, expected one of {}", quoted(name), fmt::join(known, ", "));
}

/// Gives the weight called `name`.
using WeightSource = std::function<Tensor(const std::string& name, const Shape&)>;

/// Adds nodes one after the other; each reads the one before unless told otherwise.
class Builder {
 public:
  Builder(const Family& family, int64_t channels, int64_t outputs, const WeightSource& source)
      : family_(family), base_(channels), source_(source) {
    nodes_.push_back({Op::input, "input", {}, {}, {}});
    channels_ = 3;
    conv("conv1", base_, 7, 2);
    batch_norm("bn1");
    relu("relu");
    add({Op::max_pool, "maxpool", {last()}, PoolAttributes{{3, 3}, {2, 2}, {1, 1, 1, 1}}, {}});
    for (int stage = 0; stage < 4; ++stage) add_stage(stage);
    add({Op::adaptive_avg_pool, "avgpool", {last()}, AdaptivePoolAttributes{{1, 1}}, {}});
    add({Op::flatten, "flatten", {last()}, AxisAttributes{1}, {}});
    Node fc{Op::linear, "fc", {last()}, {}, {}};
    fc.weights["weight"] = source_("fc.weight", {outputs, channels_});
    fc.weights["bias"] = source_("fc.bias", {outputs});
    add(std::move(fc));
  }

  std::vector<Node> take() { return std::move(nodes_); }
  int last() const { return static_cast<int>(nodes_.size()) - 1; }

 private:
  void add_stage(int stage) {
    for (int block = 0; block < family_.blocks[static_cast<size_t>(stage)]; ++block) {
      const int64_t stride = block == 0 && stage > 0 ? 2 : 1;
      add_block(fmt::format("layer{}.{}.", stage + 1, block), base_ << stage, stride);
    }
  }

  void add_block(const std::string& prefix, int64_t planes, int64_t stride) {
    const int input = last();
    const int64_t input_channels = channels_;
    const int64_t result = family_.bottleneck ? planes * 4 : planes;
    const int convs = family_.bottleneck ? 3 : 2;
    for (int i = 1; i <= convs; ++i) {
      const std::string number = std::to_string(i);
      if (family_.bottleneck && i != 2) {
        conv(prefix + "conv" + number, i == 1 ? inner_channels(planes) : result, 1, 1);
      } else if (family_.bottleneck) {
        conv(prefix + "conv2", inner_channels(planes), 3, stride, family_.groups);
      } else {
        conv(prefix + "conv" + number, planes, 3, i == 1 ? stride : 1);
      }
      batch_norm(prefix + "bn" + number);
      if (i < convs) relu(prefix + "relu" + number);
    }
    int shortcut = input;
    const int main = last();
    if (stride != 1 || input_channels != result) {
      channels_ = input_channels;
      conv(prefix + "downsample.0", result, 1, stride, 1, input);
      batch_norm(prefix + "downsample.1");
      shortcut = last();
    }
    add({Op::add, prefix + "add", {main, shortcut}, {}, {}});
    relu(prefix + "relu" + std::to_string(convs));
  }

  int64_t inner_channels(int64_t planes) const {
    return std::max<int64_t>(1, planes * family_.base_width / 64) * family_.groups;
  }

  void conv(const std::string& name, int64_t outputs, int64_t kernel, int64_t stride,
            int64_t groups = 1, int input = -1) {
    const int64_t pad = kernel / 2;
    const ConvAttributes attributes{{stride, stride}, {pad, pad, pad, pad}, {1, 1}, groups};
    Node node{Op::conv, name, {input < 0 ? last() : input}, attributes, {}};
    const Shape shape{outputs, channels_ / groups, kernel, kernel};
    node.weights["weight"] = source_(name + ".weight", shape);
    add(std::move(node));
    channels_ = outputs;
  }

  void batch_norm(const std::string& name) {
    Node node{Op::batch_norm, name, {last()}, NormAttributes{}, {}};
    for (const char* key : {"weight", "running_var", "bias", "running_mean"}) {
      node.weights[key] = source_(name + "." + key, {channels_});
    }
    add(std::move(node));
  }

  void relu(const std::string& name) { add({Op::relu, name, {last()}, {}, {}}); }
  void add(Node node) { nodes_.push_back(std::move(node)); }

  const Family& family_;
  const int64_t base_;
  const WeightSource& source_;
  std::vector<Node> nodes_;
  int64_t channels_ = 0;  // of the last node's result
};

Graph build(const Family& family, int64_t channels, int64_t outputs, int height, int width,
            const WeightSource& source, const std::function<void()>& check,
            const std::string& where) {
  Builder builder(family, channels, outputs, source);
  check();
  const int last = builder.last();
  return Graph({1, 3, height, width}, builder.take(), {{"logits", last}}, where);
}

void check_side(const char* what, int value) {
  if (value < 1 || value > 8192) fail("{} is {}, expected 1 to 8192", what, value);
}

}  // namespace

Graph build_resnet(const ResNetSpec& spec) {
  const Family& family = find_family(spec.architecture);
  if (!(spec.width_multiplier > 0 && spec.width_multiplier <= 16)) {
    fail("width multiplier is {}, expected above 0, up to 16", spec.width_multiplier);
  }
  if (spec.outputs < 1 || spec.outputs > 100'000) {
    fail("number of outputs is {}, expected 1 to 100000", spec.outputs);
  }
  check_side("height", spec.height);
  check_side("width", spec.width);
  const auto eighths = static_cast<int64_t>(std::lround(64 * spec.width_multiplier / 8));
  const int64_t channels = 8 * std::max<int64_t>(1, eighths);
  const WeightSource blank = [](const std::string&, const Shape& shape) {
    return Tensor::from<float>(shape,
                               std::vector<float>(static_cast<size_t>(element_count(shape))));
  };
  const Graph graph = build(
      family, channels, spec.outputs, spec.height, spec.width, blank, [] {}, spec.architecture);
  return with_initial_weights(graph, spec.seed);
}

Graph resnet_from_weights(const std::string& architecture, WeightFinder& weights, int height,
                          int width, const std::string& where) {
  const Family& family = find_family(architecture);
  const int64_t channels = weights.outputs_of("conv1.weight", 4, architecture, where);
  const int64_t outputs = weights.outputs_of("fc.weight", 2, architecture, where);
  const WeightSource source = [&](const std::string& name, const Shape& shape) {
    return weights.find(name, shape);
  };
  return build(
      family, channels, outputs, height, width, source, [&] { weights.check(architecture, where); },
      where);
}

std::vector<std::string> resnet_architectures() {
  std::vector<std::string> names;
  for (const Family& family : kFamilies) names.emplace_back(family.name);
  return names;
}

}  // namespace fpcls
