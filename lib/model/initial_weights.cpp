#include "model/initial_weights.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"

namespace fpcls {
namespace {

Tensor filled(const Shape& shape, float value) {
  return Tensor::from<float>(shape,
                             std::vector<float>(static_cast<size_t>(element_count(shape)), value));
}

class Initializer {
 public:
  explicit Initializer(uint64_t seed) : seed_(seed) {}

  void renew(Node& node) {
    if (node.op == Op::quantize || node.is_int8() || node.is_bf16()) {
      fail("layer {} holds {} numbers, which can't be trained; take the f32 model it was made from",
           quoted(node.name), node.is_bf16() ? "bf16" : "i8");
    }
    switch (node.op) {
      case Op::conv:
        renew(node, "weight", &Initializer::conv_weight);
        renew(node, "bias", &Initializer::zeros);
        break;
      case Op::linear: {
        const Shape& shape = node.weights.at("weight").shape();
        bound_ = 1 / std::sqrt(static_cast<double>(shape[1]));
        renew(node, "weight", &Initializer::within_bound);
        renew(node, "bias", &Initializer::within_bound);
        break;
      }
      case Op::batch_norm:
      case Op::layer_norm:
        for (const char* key : {"weight", "running_var"}) renew(node, key, &Initializer::ones);
        for (const char* key : {"bias", "running_mean"}) renew(node, key, &Initializer::zeros);
        break;
      case Op::affine:
        if (!std::get<AffineAttributes>(node.attributes).learned) break;
        renew(node, "scale", &Initializer::ones);
        renew(node, "shift", &Initializer::zeros);
        break;
      default:
        FPCLS_CHECK(node.weights.empty());
    }
  }

 private:
  using Make = Tensor (Initializer::*)(const Shape&, Random&) const;

  void renew(Node& node, const char* key, Make make) {
    const auto found = node.weights.find(key);
    if (found == node.weights.end()) return;
    Random random(derive_seed(seed_, index_++));
    found->second = (this->*make)(found->second.shape(), random);
  }

  Tensor conv_weight(const Shape& shape, Random& random) const {
    const auto fan_out = static_cast<double>(shape[0] * shape[2] * shape[3]);
    const double deviation = std::sqrt(2 / fan_out);
    std::vector<float> values(static_cast<size_t>(element_count(shape)));
    for (float& value : values) value = static_cast<float>(deviation * random.normal());
    return Tensor::from<float>(shape, std::move(values));
  }

  Tensor within_bound(const Shape& shape, Random& random) const {
    std::vector<float> values(static_cast<size_t>(element_count(shape)));
    for (float& value : values) value = static_cast<float>(random.uniform(-bound_, bound_));
    return Tensor::from<float>(shape, std::move(values));
  }

  Tensor ones(const Shape& shape, Random&) const { return filled(shape, 1); }
  Tensor zeros(const Shape& shape, Random&) const { return filled(shape, 0); }

  const uint64_t seed_;
  uint64_t index_ = 0;  // of the next tensor
  double bound_ = 0;    // of the linear layer's numbers
};

}  // namespace

Graph with_initial_weights(const Graph& graph, uint64_t seed) {
  std::vector<Node> nodes = graph.nodes();
  Initializer initializer(seed);
  for (Node& node : nodes) initializer.renew(node);
  return graph.with_nodes(std::move(nodes));
}

}  // namespace fpcls
