#include "compress/bias_correction.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace fpcls {
namespace {

/// The places of a result along one axis, first to below last, at which a weight `offset` into the
/// filter falls on the picture, not on its padding.
std::pair<int64_t, int64_t> inside(int64_t offset, int64_t stride, int64_t padding, int64_t extent,
                                   int64_t places) {
  const int64_t shift = offset - padding;  // place o reads o * stride + shift
  const int64_t first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  const int64_t last = extent - 1 - shift < 0 ? 0 : (extent - 1 - shift) / stride + 1;
  return {std::min(first, places), std::min(std::max(first, last), places)};
}

/// dequantize(quantize(value)), in a way that compilers turn into vector instructions. Adding and
/// taking away 1.5 * 2^23 rounds to even; beyond 2^22 all is cut anyway.
float rounded(float value, const QuantParams& params) {
  constexpr float kRound = 12582912.0F, kMost = 4194304.0F;
  const float low = static_cast<float>(params.lowest - params.zero_point);
  const float high = static_cast<float>(params.highest - params.zero_point);
  float steps = value * (1.0F / params.scale);
  steps = steps < -kMost ? -kMost : steps;
  steps = steps > kMost ? kMost : steps;
  steps = (steps + kRound) - kRound;
  steps = steps < low ? low : steps;
  steps = steps > high ? high : steps;
  return (std::isnan(value) ? 0.0F : steps) * params.scale;
}

double scale_of(const Node& node, int64_t channel) {
  return double{node.weights.at("weight_scale").data<float>()[channel]};
}

}  // namespace

PatchSums::PatchSums(const Graph& graph, int layer) : conv_(graph.node(layer).conv()) {
  const Node& node = graph.node(layer);
  const Shape& weight = node.weights.at("weight").shape();
  const Shape& result = graph.shape(layer);
  kernel_ = {weight[2], weight[3]};
  places_ = {result[2], result[3]};
  sums_.resize(static_cast<size_t>(graph.shape(node.inputs[0])[1] * kernel_[0] * kernel_[1]));
}

void PatchSums::add(const Tensor& input) {
  const Shape& shape = input.shape();
  const int64_t height = shape[2], width = shape[3];
  FPCLS_CHECK(static_cast<size_t>(shape[1] * kernel_[0] * kernel_[1]) == sums_.size());
  std::vector<float> column(static_cast<size_t>(width));
  const float* plane = input.data<float>();
  for (int64_t n = 0; n < shape[0]; ++n) {
    for (int64_t c = 0; c < shape[1]; ++c, plane += height * width) {
      double* sums = sums_.data() + c * kernel_[0] * kernel_[1];
      for (int64_t y = 0; y < kernel_[0]; ++y) {
        const auto [top, bottom] =
            inside(y * conv_.dilation[0], conv_.stride[0], conv_.padding[0], height, places_[0]);
        std::fill(column.begin(), column.end(), 0.0F);
        for (int64_t o = top; o < bottom; ++o) {
          const int64_t row = o * conv_.stride[0] + y * conv_.dilation[0] - conv_.padding[0];
          const float* values = plane + row * width;
          for (size_t x = 0; x < column.size(); ++x) column[x] += values[x];
        }
        for (int64_t x = 0; x < kernel_[1]; ++x) {
          const auto [left, right] =
              inside(x * conv_.dilation[1], conv_.stride[1], conv_.padding[1], width, places_[1]);
          double sum = 0;
          for (int64_t o = left; o < right; ++o) {
            const int64_t at = o * conv_.stride[1] + x * conv_.dilation[1] - conv_.padding[1];
            sum += double{column[static_cast<size_t>(at)]};
          }
          sums[y * kernel_[1] + x] += sum;
        }
      }
    }
  }
  pictures_ += shape[0];
}

void PatchSums::merge(const PatchSums& other) {
  FPCLS_CHECK(sums_.size() == other.sums_.size());
  for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
  pictures_ += other.pictures_;
}

std::vector<double> PatchSums::means() const {
  std::vector<double> means = sums_;
  const auto places =
      static_cast<double>(std::max<int64_t>(1, pictures_) * places_[0] * places_[1]);
  for (double& mean : means) mean /= places;
  return means;
}

Tensor rounded(const Tensor& input, const QuantParams& params) {
  std::vector<float> values(input.data<float>(), input.data<float>() + input.count());
  for (float& value : values) value = rounded(value, params);
  return Tensor::from(input.shape(), std::move(values));
}

std::vector<double> mean_shift(const Node& original, const Node& integers,
                               const std::vector<double>& exact,
                               const std::vector<double>& rounded) {
  const Shape& shape = original.weights.at("weight").shape();
  const int64_t each = shape[1] * shape[2] * shape[3];
  const int64_t outputs_a_group = shape[0] / original.conv().groups;
  const float* before = original.weights.at("weight").data<float>();
  const int8_t* after = integers.weights.at("weight").data<int8_t>();
  std::vector<double> shift;
  for (int64_t o = 0; o < shape[0]; ++o) {
    const auto start = static_cast<size_t>(o / outputs_a_group * each);
    double sum = 0;
    for (int64_t i = 0; i < each; ++i) {
      const size_t input = start + static_cast<size_t>(i);
      sum += double{before[o * each + i]} * exact[input] -
             after[o * each + i] * scale_of(integers, o) * rounded[input];
    }
    shift.push_back(sum);
  }
  return shift;
}

Node with_shifted_bias(Node node, const std::vector<double>& shift) {
  const Tensor bias = node.weight("bias");
  std::vector<float> values;
  for (size_t o = 0; o < shift.size(); ++o) {
    const double before = bias.empty() ? 0 : double{bias.data<float>()[o]};
    values.push_back(static_cast<float>(before + shift[o]));
  }
  const auto count = static_cast<int64_t>(values.size());
  node.weights["bias"] = Tensor::from({count}, std::move(values));
  return node;
}

}  // namespace fpcls
