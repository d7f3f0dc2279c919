#include "unit/graph/graphs.h"

#include <fmt/format.h>

namespace fpcls {

int GraphMaker::push(Node node) {
  std::vector<Shape> inputs;
  for (const int input : node.inputs) inputs.push_back(shape(input));
  node.name = fmt::format("{}_{}", enum_name(node.op), nodes_.size());
  shapes_.push_back(infer_shape(node, inputs));
  nodes_.push_back(std::move(node));
  return static_cast<int>(nodes_.size()) - 1;
}

int GraphMaker::conv(int input, int64_t outputs, Pair kernel, ConvAttributes attributes,
                     bool bias) {
  const int64_t inputs = shape(input)[1] / attributes.groups;
  const Shape weight{outputs, inputs, kernel[0], kernel[1]};
  const double scale = 1.7 / std::sqrt(static_cast<double>(element_count(weight) / outputs));
  Node node{Op::conv, "", {input}, attributes, {}};
  node.weights["weight"] = random_tensor(weight, -scale, scale);
  if (bias) node.weights["bias"] = random_tensor({outputs});
  return push(std::move(node));
}

int GraphMaker::linear(int input, int64_t outputs, bool bias) {
  Node node{Op::linear, "", {input}, {}, {}};
  const double scale = 1.7 / std::sqrt(static_cast<double>(shape(input).back()));
  node.weights["weight"] = random_tensor({outputs, shape(input).back()}, -scale, scale);
  if (bias) node.weights["bias"] = random_tensor({outputs});
  return push(std::move(node));
}

int GraphMaker::batch_norm(int input) {
  const Shape channels{shape(input)[1]};
  Node node{Op::batch_norm, "", {input}, NormAttributes{}, {}};
  node.weights["weight"] = random_tensor(channels, 0.5, 1.5);
  node.weights["bias"] = random_tensor(channels, -0.5, 0.5);
  node.weights["running_mean"] = random_tensor(channels, -0.5, 0.5);
  node.weights["running_var"] = random_tensor(channels, 0.5, 2);
  return push(std::move(node));
}

int GraphMaker::add(Op op, std::vector<int> inputs, Attributes attributes,
                    std::map<std::string, Tensor> weights) {
  return push({op, "", std::move(inputs), std::move(attributes), std::move(weights)});
}

Tensor GraphMaker::random_tensor(const Shape& shape, double low, double high) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (float& value : values) value = static_cast<float>(random_.uniform(low, high));
  return Tensor::from(shape, std::move(values));
}

Graph GraphMaker::graph(int output) const {
  const int last = static_cast<int>(nodes_.size()) - 1;
  return Graph(input_shape_, nodes_, {{"output", output < 0 ? last : output}});
}

Graph small_resnet(int64_t outputs, uint64_t seed, int64_t size) {
  GraphMaker make({1, 3, size, size}, seed);
  const ConvAttributes same{{1, 1}, {1, 1, 1, 1}, {1, 1}, 1};
  const ConvAttributes halve{{2, 2}, {1, 1, 1, 1}, {1, 1}, 1};
  const auto block = [&](int x, int64_t channels, bool downsample) {
    int y = make.conv(x, channels, {3, 3}, downsample ? halve : same, false);
    y = make.add(Op::relu, {make.batch_norm(y)});
    y = make.batch_norm(make.conv(y, channels, {3, 3}, same, false));
    if (downsample) {
      x = make.batch_norm(make.conv(x, channels, {1, 1}, {{2, 2}, {0, 0, 0, 0}, {1, 1}, 1}, false));
    }
    return make.add(Op::relu, {make.add(Op::add, {y, x})});
  };
  int x = make.conv(0, 8, {7, 7}, {{2, 2}, {3, 3, 3, 3}, {1, 1}, 1}, false);
  x = make.add(Op::relu, {make.batch_norm(x)});
  x = make.add(Op::max_pool, {x},
               PoolAttributes{{3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, false, false});
  x = block(block(x, 8, false), 16, true);
  x = make.add(Op::adaptive_avg_pool, {x}, AdaptivePoolAttributes{{1, 1}});
  make.linear(make.add(Op::flatten, {x}, AxisAttributes{1}), outputs);
  return make.graph();
}

}  // namespace fpcls
