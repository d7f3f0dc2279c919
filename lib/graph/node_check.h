#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "graph/graph.h"

/// What the rules of shape inference share. Internal to this folder.
namespace fpcls {

/// Attributes beyond this are nonsense, and sums and products of two of them can't overflow.
constexpr int64_t kMaxAttribute = 1 << 20;

/// One node with the shapes of what it reads, and the ways to complain about them.
class NodeCheck {
 public:
  NodeCheck(const Node& node, const std::vector<Shape>& inputs) : node_(node), inputs_(inputs) {}

  const Node& node() const { return node_; }
  const std::vector<Shape>& inputs() const { return inputs_; }
  const Shape& input() const { return inputs_[0]; }

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("layer {}: {} {}", quoted(node_.name), enum_name(node_.op),
         fmt::format(format, std::forward<Args>(args)...));
  }

  void want_inputs(size_t count) const {
    if (inputs_.size() != count) refuse("reads {} inputs, expected {}", inputs_.size(), count);
  }

  void want_rank(size_t rank) const {
    if (input().size() != rank) {
      refuse("reads {}, expected {} axes", shape_text(input()), rank);
    }
  }

  template <class A>
  const A& want_attributes() const {
    const A* attributes = std::get_if<A>(&node_.attributes);
    if (attributes == nullptr) refuse("has attributes of another op");
    return *attributes;
  }

  /// The weight called `key`: f32, not empty, of `shape`.
  void want_weight(const std::string& key, const Shape& shape) const {
    const Shape& got = want_weight_of_rank(key, shape.size());
    if (got != shape) {
      refuse("has {} of shape {}, expected {}", key, shape_text(got), shape_text(shape));
    }
  }

  const Shape& want_weight_of_rank(const std::string& key, size_t rank) const {
    const auto found = node_.weights.find(key);
    if (found == node_.weights.end() || found->second.empty()) refuse("has no {}", key);
    const Tensor& tensor = found->second;
    if (tensor.dtype() != DType::f32) {
      refuse("has {} of type {}, expected f32", key, enum_name(tensor.dtype()));
    }
    if (tensor.shape().size() != rank) {
      refuse("has {} of shape {}, expected {} axes", key, shape_text(tensor.shape()), rank);
    }
    for (const int64_t extent : tensor.shape()) {
      if (extent < 1) refuse("has {} of shape {}", key, shape_text(tensor.shape()));
    }
    return tensor.shape();
  }

  /// A conv's or linear's weight: f32, bf16, or i8 with a positive weight_scale for each output.
  const Shape& want_layer_weight(size_t rank) const {
    want_no_weights_but({"weight", "bias", "weight_scale"});
    if (!node_.is_int8() && node_.weights.count("weight_scale") != 0) {
      refuse("has a weight_scale without i8 weight");
    }
    if (!node_.is_int8() && !node_.is_bf16()) return want_weight_of_rank("weight", rank);
    const Tensor& weight = node_.weights.at("weight");
    if (weight.empty() || weight.shape().size() != rank) {
      refuse("has weight of shape {}, expected {} axes", shape_text(weight.shape()), rank);
    }
    for (const int64_t extent : weight.shape()) {
      if (extent < 1) refuse("has weight of shape {}", shape_text(weight.shape()));
    }
    if (node_.is_int8()) want_weight("weight_scale", {weight.shape()[0]});
    return weight.shape();
  }

  void want_weight_if_there(const std::string& key, const Shape& shape) const {
    if (node_.weights.count(key) != 0) want_weight(key, shape);
  }

  void want_no_weights_but(const std::set<std::string>& keys) const {
    for (const auto& [key, tensor] : node_.weights) {
      if (keys.count(key) == 0) refuse("has an unexpected weight {}", quoted(key));
    }
  }

  void want_within(const char* what, int64_t value, int64_t min, int64_t max) const {
    if (value < min || value > max) {
      refuse("has {} {}, expected {} to {}", what, value, min, max);
    }
  }

 private:
  const Node& node_;
  const std::vector<Shape>& inputs_;
};

/// The axis of `AxisAttributes`, which must be one of the input's but the batch.
size_t want_axis(const NodeCheck& check);

/// Shapes of the ops that only move numbers, in infer_layout.cpp.
Shape concat_shape(const NodeCheck& check);
Shape flatten_shape(const NodeCheck& check);
Shape reshape_shape(const NodeCheck& check);
Shape permute_shape(const NodeCheck& check);
Shape slice_shape(const NodeCheck& check);
Shape pad_shape(const NodeCheck& check);

}  // namespace fpcls
