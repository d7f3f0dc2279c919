#include "compress/ridge.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace fpcls {
namespace {

struct Made {
  RidgeProblem problem;
  LinearLayer old;
};

/// Features at random, wanted what `old` gives of features that are `factor` times larger, with
/// some noise.
Made make_problem(int64_t rows, int64_t features, double factor, double noise, uint64_t seed) {
  Random random(seed);
  Made made;
  made.problem = {rows, features, 2, {}, {}};
  for (int64_t i = 0; i < 2 * features; ++i) {
    made.old.weight.push_back(static_cast<float>(random.normal()));
  }
  made.old.bias = {0.5F, -1};
  for (int64_t i = 0; i < rows; ++i) {
    double sums[2] = {0.5, -1};
    for (int64_t f = 0; f < features; ++f) {
      const double x = random.uniform(0, 1);
      made.problem.x.push_back(static_cast<float>(x));
      for (int o = 0; o < 2; ++o) {
        sums[o] += factor * x * double{made.old.weight[static_cast<size_t>(o * features + f)]};
      }
    }
    for (const double sum : sums) made.problem.wanted.push_back(sum + noise * random.normal());
  }
  return made;
}

double error_of(const RidgeProblem& p, const LinearLayer& layer) {
  double squares = 0;
  for (int64_t i = 0; i < p.rows; ++i) {
    for (int64_t o = 0; o < p.outputs; ++o) {
      double sum = double{layer.bias[static_cast<size_t>(o)]};
      for (int64_t f = 0; f < p.features; ++f) {
        sum += double{p.x[static_cast<size_t>(i * p.features + f)]} *
               double{layer.weight[static_cast<size_t>(o * p.features + f)]};
      }
      const double error = p.wanted[static_cast<size_t>(i * p.outputs + o)] - sum;
      squares += error * error;
    }
  }
  return std::sqrt(squares / static_cast<double>(p.rows * p.outputs));
}

/// `problem` without picture `left_out`.
RidgeProblem without(const RidgeProblem& p, int64_t left_out) {
  RidgeProblem rest{p.rows - 1, p.features, p.outputs, {}, {}};
  for (int64_t i = 0; i < p.rows; ++i) {
    if (i == left_out) continue;
    rest.x.insert(rest.x.end(), p.x.begin() + i * p.features, p.x.begin() + (i + 1) * p.features);
    rest.wanted.insert(rest.wanted.end(), p.wanted.begin() + i * p.outputs,
                       p.wanted.begin() + (i + 1) * p.outputs);
  }
  return rest;
}

TEST(Ridge, LeavesWhatIsRightAlready) {
  const Made made = make_problem(20, 8, 1, 0, 1);
  const RidgeResult result = solve_again(made.problem, made.old);
  EXPECT_LT(error_of(made.problem, result.layer), 1e-6);
  for (size_t i = 0; i < made.old.weight.size(); ++i) {
    EXPECT_NEAR(result.layer.weight[i], made.old.weight[i], 1e-4);
  }
}

TEST(Ridge, FindsTheWeightsOfScaledFeatures) {
  const Made made = make_problem(200, 8, 1.5, 0, 2);
  const RidgeResult result = solve_again(made.problem, made.old);
  EXPECT_GT(result.rms_before, 0.1);
  EXPECT_LT(error_of(made.problem, result.layer), 1e-3 * result.rms_before);
  for (size_t i = 0; i < made.old.weight.size(); ++i) {
    EXPECT_NEAR(result.layer.weight[i], 1.5 * double{made.old.weight[i]}, 1e-2);
  }
}

TEST(Ridge, WithMoreFeaturesThanPicturesStaysNearTheOldWeights) {
  const Made made = make_problem(30, 100, 1.1, 0.05, 3);
  const RidgeResult result = solve_again(made.problem, made.old);
  EXPECT_LT(result.rms_left_out, result.rms_before);
  // New pictures of the same kind come out better too: it learned more than the noise.
  Made fresh = make_problem(500, 100, 1.1, 0.05, 3);
  EXPECT_LT(error_of(fresh.problem, result.layer), error_of(fresh.problem, made.old));
}

TEST(Ridge, KeepsTheOldLayerWhereNothingIsToBeLearned) {
  const Made made = make_problem(12, 40, 1, 1, 4);
  const RidgeResult result = solve_again(made.problem, made.old);
  EXPECT_LE(result.rms_left_out, result.rms_before);
  if (std::isinf(result.strength)) {
    EXPECT_EQ(result.layer.weight, made.old.weight);
    EXPECT_EQ(result.layer.bias, made.old.bias);
  }
}

TEST(Ridge, ErrorsOnPicturesLeftOutAreThoseOfFitsWithoutThem) {
  const Made made = make_problem(15, 4, 1.3, 0.2, 5);
  const RidgeResult result = solve_again(made.problem, made.old);
  ASSERT_FALSE(std::isinf(result.strength));
  // Fits without one picture choose a strength of their own, so that this holds only nearly.
  double squares = 0;
  for (int64_t i = 0; i < made.problem.rows; ++i) {
    const RidgeResult rest = solve_again(without(made.problem, i), made.old);
    RidgeProblem one{1, 4, 2, {}, {}};
    one.x.assign(made.problem.x.begin() + i * 4, made.problem.x.begin() + (i + 1) * 4);
    one.wanted.assign(made.problem.wanted.begin() + i * 2,
                      made.problem.wanted.begin() + (i + 1) * 2);
    squares += std::pow(error_of(one, rest.layer), 2);
  }
  EXPECT_NEAR(std::sqrt(squares / 15), result.rms_left_out, 0.25 * result.rms_left_out);
}

TEST(Ridge, CanDoNothingWithOnePictureOrNoSignal) {
  Made one = make_problem(1, 8, 2, 0, 6);
  EXPECT_EQ(solve_again(one.problem, one.old).layer.weight, one.old.weight);
  Made dark = make_problem(10, 8, 2, 0, 7);
  std::fill(dark.problem.x.begin(), dark.problem.x.end(), 0.0F);
  EXPECT_EQ(solve_again(dark.problem, dark.old).layer.weight, dark.old.weight);
}

}  // namespace
}  // namespace fpcls
