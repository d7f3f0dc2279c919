#include "reference/graph/naive_ops.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "graph/bf16.h"

namespace fpcls::naive {
namespace {

Array filled(Shape shape) {
  Array array{std::move(shape), {}};
  array.values.resize(static_cast<size_t>(element_count(array.shape)));
  return array;
}

/// Calls `value(n, c, h, w)` for each element of an array of four axes.
Array each(Shape shape, const std::function<double(int64_t, int64_t, int64_t, int64_t)>& value) {
  Array result = filled(std::move(shape));
  size_t i = 0;
  for (int64_t n = 0; n < result.shape[0]; ++n)
    for (int64_t c = 0; c < result.shape[1]; ++c)
      for (int64_t h = 0; h < result.shape[2]; ++h)
        for (int64_t w = 0; w < result.shape[3]; ++w) result.values[i++] = value(n, c, h, w);
  return result;
}

Array mapped(const Array& x, const std::function<double(double)>& f) {
  Array result = x;
  for (double& value : result.values) value = f(value);
  return result;
}

bool inside(const Array& x, int64_t h, int64_t w) {
  return h >= 0 && w >= 0 && h < x.shape[2] && w < x.shape[3];
}

/// The real numbers that a layer multiplies by.
Array layer_weight(const Node& node) {
  const Tensor weight = node.weight("weight");
  if (!node.is_int8()) return from_tensor(as_f32(weight));
  const float* scales = node.weights.at("weight_scale").data<float>();
  Array result{weight.shape(), std::vector<double>(static_cast<size_t>(weight.count()))};
  const size_t each = result.values.size() / static_cast<size_t>(weight.shape()[0]);
  for (size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = static_cast<double>(weight.data<int8_t>()[i]) * scales[i / each];
  }
  return result;
}

Array quantize(const Node& node, const Array& x) {
  const QuantParams& params = std::get<QuantizeAttributes>(node.attributes).params;
  Array result = x;
  for (double& value : result.values) {
    const int integer = fpcls::quantize(static_cast<float>(value), params);
    value = static_cast<double>(integer - params.zero_point) * params.scale;
  }
  return result;
}

/// What a layer multiplies by its weights.
Array factors(const Node& node, const Array& x) {
  if (!node.is_bf16()) return x;
  return mapped(x, [](double value) { return rounded_to_bf16(static_cast<float>(value)); });
}

Array conv(const Node& node, const Array& input, const Shape& shape) {
  const ConvAttributes& a = node.conv();
  const Array x = factors(node, input);
  const Array weight = layer_weight(node);
  const Tensor bias = node.weight("bias");
  const int64_t outputs_per_group = weight.shape[0] / a.groups;
  return each(shape, [&](int64_t n, int64_t o, int64_t oh, int64_t ow) {
    double sum = bias.empty() ? 0 : bias.data<float>()[o];
    for (int64_t i = 0; i < weight.shape[1]; ++i)
      for (int64_t kh = 0; kh < weight.shape[2]; ++kh)
        for (int64_t kw = 0; kw < weight.shape[3]; ++kw) {
          const int64_t h = oh * a.stride[0] - a.padding[0] + kh * a.dilation[0];
          const int64_t w = ow * a.stride[1] - a.padding[1] + kw * a.dilation[1];
          const int64_t c = o / outputs_per_group * weight.shape[1] + i;
          if (inside(x, h, w)) sum += x.at(n, c, h, w) * weight.at(o, i, kh, kw);
        }
    return sum;
  });
}

Array pool(const Node& node, const Array& x, const Shape& shape) {
  const PoolAttributes& a = node.pool();
  return each(shape, [&](int64_t n, int64_t c, int64_t oh, int64_t ow) {
    double sum = 0, largest = -std::numeric_limits<double>::infinity();
    int64_t data = 0, padded = 0;
    for (int64_t kh = 0; kh < a.kernel[0]; ++kh)
      for (int64_t kw = 0; kw < a.kernel[1]; ++kw) {
        const int64_t h = oh * a.stride[0] - a.padding[0] + kh * a.dilation[0];
        const int64_t w = ow * a.stride[1] - a.padding[1] + kw * a.dilation[1];
        if (h < x.shape[2] + a.padding[2] && w < x.shape[3] + a.padding[3]) ++padded;
        if (!inside(x, h, w)) continue;
        ++data;
        sum += x.at(n, c, h, w);
        largest = std::max(largest, x.at(n, c, h, w));
      }
    if (node.op == Op::max_pool) return largest;
    return sum / static_cast<double>(a.count_include_pad ? padded : data);
  });
}

Array adaptive_avg_pool(const Array& x, const Shape& shape) {
  const auto begin = [](int64_t i, int64_t in, int64_t out) { return i * in / out; };
  const auto end = [](int64_t i, int64_t in, int64_t out) {
    return ((i + 1) * in + out - 1) / out;
  };
  return each(shape, [&](int64_t n, int64_t c, int64_t oh, int64_t ow) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t h = begin(oh, x.shape[2], shape[2]); h < end(oh, x.shape[2], shape[2]); ++h)
      for (int64_t w = begin(ow, x.shape[3], shape[3]); w < end(ow, x.shape[3], shape[3]); ++w) {
        sum += x.at(n, c, h, w);
        ++count;
      }
    return sum / static_cast<double>(count);
  });
}

Array linear(const Node& node, const Array& input, const Shape& shape) {
  const Array x = factors(node, input);
  const Array weight = layer_weight(node);
  const Tensor bias = node.weight("bias");
  const auto in = static_cast<size_t>(weight.shape[1]);
  const auto out = static_cast<size_t>(weight.shape[0]);
  Array result = filled(shape);
  for (size_t i = 0; i < result.values.size(); ++i) {
    double sum = bias.empty() ? 0 : bias.data<float>()[i % out];
    for (size_t k = 0; k < in; ++k)
      sum += x.values[i / out * in + k] * weight.values[i % out * in + k];
    result.values[i] = sum;
  }
  return result;
}

Array batch_norm(const Node& node, const Array& x) {
  const double epsilon = std::get<NormAttributes>(node.attributes).epsilon;
  const auto weight = [&](const char* key, int64_t c) {
    return static_cast<double>(node.weight(key).data<float>()[c]);
  };
  return each(x.shape, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    const double scale = weight("weight", c) / std::sqrt(weight("running_var", c) + epsilon);
    return (x.at(n, c, h, w) - weight("running_mean", c)) * scale + weight("bias", c);
  });
}

Array combined(const Node& node, const Array& a, const Array& b, const Shape& shape) {
  return each(shape, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    const auto broadcast = [&](const Array& x) {
      return x.at(x.shape[0] == 1 ? 0 : n, x.shape[1] == 1 ? 0 : c, x.shape[2] == 1 ? 0 : h,
                  x.shape[3] == 1 ? 0 : w);
    };
    return node.op == Op::add ? broadcast(a) + broadcast(b) : broadcast(a) * broadcast(b);
  });
}

Array concat(const std::vector<Array>& inputs, const Shape& shape) {
  // Along the second axis, all that the tests need.
  Array result{shape, {}};
  for (int64_t n = 0; n < shape[0]; ++n) {
    for (const Array& input : inputs) {
      const auto count = static_cast<std::ptrdiff_t>(input.values.size()) / shape[0];
      const auto first = input.values.begin() + n * count;
      result.values.insert(result.values.end(), first, first + count);
    }
  }
  return result;
}

Array softmax(const Array& x) {
  // Over the last of two axes.
  Array result = x;
  for (int64_t n = 0; n < x.shape[0]; ++n) {
    double sum = 0;
    for (int64_t i = 0; i < x.shape[1]; ++i)
      sum += std::exp(x.values[static_cast<size_t>(n * x.shape[1] + i)]);
    for (int64_t i = 0; i < x.shape[1]; ++i) {
      double& value = result.values[static_cast<size_t>(n * x.shape[1] + i)];
      value = std::exp(value) / sum;
    }
  }
  return result;
}

/// Calls `value(place)` for each place of an array of any number of axes.
Array each_place(Shape shape, const std::function<double(const Shape& place)>& value) {
  Array result = filled(std::move(shape));
  Shape place(result.shape.size(), 0);
  for (double& element : result.values) {
    element = value(place);
    for (size_t axis = place.size(); axis-- > 0;) {
      if (++place[axis] < result.shape[axis]) break;
      place[axis] = 0;
    }
  }
  return result;
}

/// The element at `place`; along axes of extent 1, the only one.
double element(const Array& x, const Shape& place) {
  int64_t index = 0;
  for (size_t axis = 0; axis < place.size(); ++axis) {
    index = index * x.shape[axis] + (x.shape[axis] == 1 ? 0 : place[axis]);
  }
  return x.values[static_cast<size_t>(index)];
}

Array affine(const Node& node, const Array& x) {
  return each_place(x.shape, [&](const Shape& place) {
    double value = element(x, place);
    if (node.weights.count("scale") != 0)
      value *= element(from_tensor(node.weight("scale")), place);
    if (node.weights.count("shift") != 0)
      value += element(from_tensor(node.weight("shift")), place);
    return value;
  });
}

Array layer_norm(const Node& node, const Array& x) {
  const auto& norm = std::get<LayerNormAttributes>(node.attributes);
  const Shape inner(x.shape.begin() + static_cast<std::ptrdiff_t>(norm.axis), x.shape.end());
  const auto count = static_cast<size_t>(element_count(inner));
  const auto weight = [&](const char* key, size_t i, double otherwise) {
    return node.weights.count(key) == 0 ? otherwise : node.weight(key).data<float>()[i];
  };
  Array result = x;
  for (size_t begin = 0; begin < x.values.size(); begin += count) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < count; ++i) mean += x.values[begin + i] / static_cast<double>(count);
    for (size_t i = 0; i < count; ++i) {
      variance += std::pow(x.values[begin + i] - mean, 2) / static_cast<double>(count);
    }
    for (size_t i = 0; i < count; ++i) {
      const double normal = (x.values[begin + i] - mean) / std::sqrt(variance + norm.epsilon);
      result.values[begin + i] = normal * weight("weight", i, 1) + weight("bias", i, 0);
    }
  }
  return result;
}

Array matmul(const Array& a, const Array& b, const Shape& shape) {
  const size_t last = shape.size() - 1;
  return each_place(shape, [&](const Shape& place) {
    Shape left = place, right = place;
    double sum = 0;
    for (int64_t k = 0; k < a.shape[last]; ++k) {
      left[last] = right[last - 1] = k;
      sum += element(a, left) * element(b, right);
    }
    return sum;
  });
}

Array permute(const Node& node, const Array& x, const Shape& shape) {
  const auto& axes = std::get<PermuteAttributes>(node.attributes).axes;
  return each_place(shape, [&](const Shape& place) {
    Shape from(place.size());
    for (size_t axis = 0; axis < place.size(); ++axis) {
      from[static_cast<size_t>(axes[axis])] = place[axis];
    }
    return element(x, from);
  });
}

Array slice(const Node& node, const Array& x, const Shape& shape) {
  const auto& a = std::get<SliceAttributes>(node.attributes);
  return each_place(shape, [&](Shape place) {
    int64_t& along = place[static_cast<size_t>(a.axis)];
    along = a.begin + along * a.step;
    return element(x, place);
  });
}

Array pad(const Node& node, const Array& x, const Shape& shape) {
  const auto& a = std::get<PadAttributes>(node.attributes);
  return each_place(shape, [&](Shape place) {
    for (size_t axis = 0; axis < place.size(); ++axis) {
      place[axis] -= a.before[axis];
      if (place[axis] < 0 || place[axis] >= x.shape[axis]) return a.value;
    }
    return element(x, place);
  });
}

double clamp6(double x) { return std::clamp(x, 0.0, 6.0); }

}  // namespace

Array apply(const Node& node, const std::vector<Array>& inputs, Shape shape) {
  const Array& x = inputs[0];
  shape[0] = x.shape[0];
  switch (node.op) {
    case Op::input:
      break;
    case Op::conv:
      return conv(node, x, shape);
    case Op::linear:
      return linear(node, x, shape);
    case Op::batch_norm:
      return batch_norm(node, x);
    case Op::relu:
      return mapped(x, [](double v) { return std::max(v, 0.0); });
    case Op::relu6:
      return mapped(x, clamp6);
    case Op::hardswish:
      return mapped(x, [](double v) { return v * clamp6(v + 3) / 6; });
    case Op::hardsigmoid:
      return mapped(x, [](double v) { return clamp6(v + 3) / 6; });
    case Op::sigmoid:
      return mapped(x, [](double v) { return 1 / (1 + std::exp(-v)); });
    case Op::silu:
      return mapped(x, [](double v) { return v / (1 + std::exp(-v)); });
    case Op::gelu:
      return mapped(x, [](double v) { return v * (1 + std::erf(v / std::sqrt(2.0))) / 2; });
    case Op::tanh:
      return mapped(x, [](double v) { return std::tanh(v); });
    case Op::leaky_relu:
      return mapped(x, [&](double v) {
        return v >= 0 ? v : v * std::get<LeakyAttributes>(node.attributes).slope;
      });
    case Op::pow:
      return mapped(x, [&](double v) {
        return std::pow(v, std::get<PowerAttributes>(node.attributes).exponent);
      });
    case Op::affine:
      return affine(node, x);
    case Op::add:
    case Op::mul:
      return combined(node, x, inputs[1], shape);
    case Op::concat:
      return concat(inputs, shape);
    case Op::max_pool:
    case Op::avg_pool:
      return pool(node, x, shape);
    case Op::adaptive_avg_pool:
      return adaptive_avg_pool(x, shape);
    case Op::flatten:
      return Array{shape, x.values};
    case Op::softmax:
      return softmax(x);
    case Op::layer_norm:
      return layer_norm(node, x);
    case Op::matmul:
      return matmul(x, inputs[1], shape);
    case Op::reshape:
      return Array{shape, x.values};
    case Op::permute:
      return permute(node, x, shape);
    case Op::slice:
      return slice(node, x, shape);
    case Op::pad:
      return pad(node, x, shape);
    case Op::quantize:
      return quantize(node, x);
  }
  FPCLS_CHECK(false);
  return x;
}

Array from_tensor(const Tensor& tensor) {
  const float* values = tensor.data<float>();
  return {tensor.shape(), std::vector<double>(values, values + tensor.count())};
}

std::vector<Array> run(const Graph& graph, const Tensor& x) {
  std::vector<Array> results{from_tensor(x)};
  for (int i = 1; i < graph.size(); ++i) {
    std::vector<Array> inputs;
    for (const int input : graph.node(i).inputs) {
      inputs.push_back(results[static_cast<size_t>(input)]);
    }
    results.push_back(apply(graph.node(i), inputs, graph.shape(i)));
  }
  return results;
}

}  // namespace fpcls::naive
