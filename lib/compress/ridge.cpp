#include "compress/ridge.h"

#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace fpcls {
namespace {

/// Square, row-major.
struct Matrix {
  explicit Matrix(size_t n) : size(n), values(n * n) {}
  double& at(size_t row, size_t column) { return values[row * size + column]; }
  double at(size_t row, size_t column) const { return values[row * size + column]; }
  const double* row(size_t index) const { return values.data() + index * size; }
  size_t size;
  std::vector<double> values;
};

/// Neighbours go to sums of their own, which compilers turn into vector instructions.
template <class Number>
double dot(const Number* a, const Number* b, size_t count) {
  constexpr size_t kLanes = 8;
  std::array<double, kLanes> lanes{};
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += double{a[i + lane]} * double{b[i + lane]};
    }
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  for (; i < count; ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

/// Inner products of the pictures' features, after a constant feature that makes the bias. The
/// constant is so large that its weight is hardly held back.
Matrix products_of(const RidgeProblem& p, double constant) {
  const auto rows = static_cast<size_t>(p.rows), count = static_cast<size_t>(p.features);
  Matrix k(rows);
  for (size_t i = 0; i < rows; ++i) {
    const float* a = p.x.data() + i * count;
    for (size_t j = 0; j <= i; ++j) {
      const float* b = p.x.data() + j * count;
      k.at(i, j) = k.at(j, i) = constant + dot(a, b, count);
    }
  }
  return k;
}

/// The inverse of a symmetric positive definite matrix, by its Cholesky factor.
Matrix inverse(Matrix m) {
  const size_t n = m.size;
  for (size_t j = 0; j < n; ++j) {
    for (size_t i = j; i < n; ++i) {
      const double sum = m.at(i, j) - dot(m.row(i), m.row(j), j);
      m.at(i, j) =
          i == j ? std::sqrt(std::max(sum, std::numeric_limits<double>::min())) : sum / m.at(j, j);
    }
  }
  Matrix factor(n);  // the inverse of the factor, transposed: rows are its columns
  for (size_t c = 0; c < n; ++c) {
    for (size_t i = c; i < n; ++i) {
      const double left = (i == c ? 1 : 0) - dot(m.row(i) + c, factor.row(c) + c, i - c);
      factor.at(c, i) = left / m.at(i, i);
    }
  }
  Matrix result(n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      result.at(i, j) = result.at(j, i) = dot(factor.row(i) + i, factor.row(j) + i, n - i);
    }
  }
  return result;
}

/// wanted - (x w + b), {rows, outputs}.
std::vector<double> errors_of(const RidgeProblem& p, const LinearLayer& layer) {
  std::vector<double> errors = p.wanted;
  const auto count = static_cast<size_t>(p.features), outputs = static_cast<size_t>(p.outputs);
  for (size_t i = 0; i < static_cast<size_t>(p.rows); ++i) {
    for (size_t o = 0; o < outputs; ++o) {
      double sum = double{layer.bias[o]};
      for (size_t f = 0; f < count; ++f) {
        sum += double{layer.weight[o * count + f]} * double{p.x[i * count + f]};
      }
      errors[i * outputs + o] -= sum;
    }
  }
  return errors;
}

double rms(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return values.empty() ? 0 : std::sqrt(sum / static_cast<double>(values.size()));
}

/// inverse * errors, {rows, outputs}: what each picture adds to the weights.
std::vector<double> multiply(const Matrix& m, const std::vector<double>& errors, size_t outputs) {
  std::vector<double> result(errors.size());
  for (size_t i = 0; i < m.size; ++i) {
    for (size_t j = 0; j < m.size; ++j) {
      for (size_t o = 0; o < outputs; ++o) {
        result[i * outputs + o] += m.at(i, j) * errors[j * outputs + o];
      }
    }
  }
  return result;
}

LinearLayer moved(const RidgeProblem& p, const LinearLayer& old, const std::vector<double>& shares,
                  double constant) {
  const auto count = static_cast<size_t>(p.features), outputs = static_cast<size_t>(p.outputs);
  LinearLayer layer = old;
  for (size_t o = 0; o < outputs; ++o) {
    std::vector<double> step(count);
    double bias = 0;
    for (size_t i = 0; i < static_cast<size_t>(p.rows); ++i) {
      const double share = shares[i * outputs + o];
      bias += share * constant;
      for (size_t f = 0; f < count; ++f) step[f] += share * double{p.x[i * count + f]};
    }
    layer.bias[o] += static_cast<float>(bias);
    for (size_t f = 0; f < count; ++f) {
      layer.weight[o * count + f] += static_cast<float>(step[f]);
    }
  }
  return layer;
}

}  // namespace

RidgeResult solve_again(const RidgeProblem& p, const LinearLayer& old) {
  const auto rows = static_cast<size_t>(p.rows), outputs = static_cast<size_t>(p.outputs);
  FPCLS_CHECK(p.x.size() == rows * static_cast<size_t>(p.features) &&
              p.wanted.size() == rows * outputs && old.bias.size() == outputs);
  const std::vector<double> errors = errors_of(p, old);
  RidgeResult result{old, std::numeric_limits<double>::infinity(), rms(errors), rms(errors)};
  double square = 0;
  for (const float value : p.x) square += double{value} * double{value};
  if (rows < 2 || square == 0 || result.rms_before == 0) return result;
  square /= static_cast<double>(rows);
  const double constant = 100 * square;
  const Matrix products = products_of(p, constant);
  for (double strength = 1e-4; strength < 200; strength *= std::sqrt(10.0)) {
    Matrix held = products;
    for (size_t i = 0; i < rows; ++i) held.at(i, i) += strength * square;
    const Matrix inverted = inverse(std::move(held));
    const std::vector<double> shares = multiply(inverted, errors, outputs);
    std::vector<double> left_out = shares;
    for (size_t i = 0; i < left_out.size(); ++i) {
      left_out[i] /= inverted.at(i / outputs, i / outputs);
    }
    const double error = rms(left_out);
    if (!(error < result.rms_left_out)) continue;
    result = {moved(p, old, shares, constant), strength, result.rms_before, error};
  }
  return result;
}

}  // namespace fpcls
