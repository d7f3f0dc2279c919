#pragma once

#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "model/metadata.h"

/// Models for the tests of files: one that has everything, one that is as small as can be.
namespace fpcls {

inline Tensor ramp(const Shape& shape, float step) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = step * static_cast<float>(i) + 0.1F;
  return Tensor::from<float>(shape, std::move(values));
}

/// A network that has every op once.
inline Graph every_op() {
  std::vector<Node> nodes{{Op::input, "input", {}, {}, {}}};
  const auto add = [&](Op op, std::vector<int> inputs, Attributes attributes = {}) {
    nodes.push_back({op, std::string(enum_name(op)), std::move(inputs), std::move(attributes), {}});
    return static_cast<int>(nodes.size()) - 1;
  };
  const int conv = add(Op::conv, {0}, ConvAttributes{{2, 1}, {1, 0, 1, 2}, {1, 1}, 3});
  nodes.back().weights = {{"weight", ramp({3, 1, 3, 3}, 0.5F)}, {"bias", ramp({3}, -1)}};
  const int norm = add(Op::batch_norm, {conv}, NormAttributes{1e-3, 0.01});
  for (const char* key : {"weight", "bias", "running_mean", "running_var"}) {
    nodes.back().weights[key] = ramp({3}, 0.25F);
  }
  int last = norm;
  for (const Op op : {Op::relu, Op::relu6, Op::hardswish, Op::hardsigmoid, Op::sigmoid, Op::silu,
                      Op::gelu, Op::tanh}) {
    last = add(op, {last});
  }
  last = add(Op::leaky_relu, {last}, LeakyAttributes{0.2});
  last = add(Op::pow, {last}, PowerAttributes{-0.5});
  last = add(Op::affine, {last}, AffineAttributes{false});
  nodes.back().weights = {{"scale", ramp({1, 1, 1, 1}, 1)}, {"shift", ramp({1, 3, 1, 1}, 0.5F)}};
  last = add(Op::layer_norm, {last}, LayerNormAttributes{2, 1e-6});
  last = add(Op::add, {last, norm});
  last = add(Op::mul, {last, norm});
  last = add(Op::concat, {last, norm, conv}, AxisAttributes{1});
  PoolAttributes pool{{2, 2}, {1, 1}, {1, 0, 0, 1}, {1, 1}, true, false};
  last = add(Op::max_pool, {last}, pool);
  pool.count_include_pad = true;
  last = add(Op::avg_pool, {last}, pool);
  last = add(Op::adaptive_avg_pool, {last}, AdaptivePoolAttributes{{1, 2}});
  last = add(Op::permute, {last}, PermuteAttributes{{0, 2, 3, 1}});
  last = add(Op::slice, {last}, SliceAttributes{3, 0, 9, 8});
  last = add(Op::matmul, {last, last});
  last = add(Op::pad, {last}, PadAttributes{{0, 0, 1, 0}, {0, 1, 0, 0}, 0.25});
  last = add(Op::quantize, {last}, QuantizeAttributes{{0.5F, 3, -128, 127}});
  last = add(Op::reshape, {last}, ReshapeAttributes{{3, 4}});
  last = add(Op::flatten, {last}, AxisAttributes{1});
  const int features = last;
  last = add(Op::linear, {last});
  nodes.back().weights = {{"weight", ramp({2, 12}, 0.01F)}};
  add(Op::softmax, {last}, AxisAttributes{1});
  return Graph({1, 3, 6, 8}, std::move(nodes), {{"logits", last}, {"features", features}});
}

inline Metadata some_metadata() {
  Metadata metadata;
  metadata.head = {{"simple", "户型图"}, 1, 1.25F};
  metadata.preprocessing.height = 6;
  metadata.preprocessing.width = 8;
  metadata.preprocessing.fit = Fit::stretch;
  metadata.preprocessing.decode = Decode::fast;
  metadata.accept = 0.7F;
  metadata.architecture = "resnet18";
  metadata.provenance = {{"command", "fpcls train"}, {"a", "2"}, {"data", ""}};
  return metadata;
}

/// The smallest model there is, for damaging every byte of.
inline Graph tiny_graph() {
  Node fc{Op::linear, "fc", {1}, {}, {{"weight", ramp({1, 3}, 1)}}};
  return Graph({1, 3, 1, 1},
               {{Op::input, "input", {}, {}, {}},
                {Op::flatten, "flatten", {0}, AxisAttributes{1}, {}},
                std::move(fc)},
               {{"logits", 2}});
}

inline Metadata tiny_metadata() {
  Metadata metadata;
  metadata.head = {{"plan"}, 0};
  metadata.preprocessing.height = metadata.preprocessing.width = 1;
  return metadata;
}

}  // namespace fpcls
