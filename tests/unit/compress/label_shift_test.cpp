#include "compress/label_shift.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "base/random.h"

namespace fpcls {
namespace {

using testing::DoubleNear;
using testing::Each;

std::vector<float> logits_of(Random& random, int64_t pictures, int64_t outputs, double spread) {
  std::vector<float> logits;
  for (int64_t i = 0; i < pictures * outputs; ++i) {
    logits.push_back(static_cast<float>(spread * random.normal()));
  }
  return logits;
}

std::vector<float> moved(std::vector<float> logits, const std::vector<double>& shift) {
  for (size_t i = 0; i < logits.size(); ++i) {
    logits[i] += static_cast<float>(shift[i % shift.size()]);
  }
  return logits;
}

/// Mean probability of each label, a single output's other label first.
std::vector<double> means_by_definition(const std::vector<float>& logits, size_t outputs) {
  std::vector<double> means(std::max<size_t>(outputs, 2));
  const auto pictures = static_cast<double>(logits.size() / outputs);
  for (size_t first = 0; first < logits.size(); first += outputs) {
    std::vector<double> odds;
    if (outputs == 1) odds.push_back(1);
    for (size_t k = first; k < first + outputs; ++k) odds.push_back(std::exp(double{logits[k]}));
    const double sum = std::accumulate(odds.begin(), odds.end(), 0.0);
    for (size_t k = 0; k < odds.size(); ++k) means[k] += odds[k] / sum / pictures;
  }
  return means;
}

TEST(LabelShift, MakesEachLabelAsLikelyOnAverageAsTheTeacherSays) {
  Random random(3);
  for (const int64_t outputs : {1, 2, 5}) {
    for (const double spread : {0.5, 4.0}) {
      const std::vector<float> student = logits_of(random, 200, outputs, spread);
      const std::vector<float> teacher = moved(logits_of(random, 200, outputs, 3), {1.5});
      const auto shift = label_shift(student, teacher, outputs);
      const auto count = static_cast<size_t>(outputs);
      const auto got = means_by_definition(moved(student, shift), count);
      const auto wanted = means_by_definition(teacher, count);
      for (size_t k = 0; k < got.size(); ++k) EXPECT_NEAR(got[k], wanted[k], 1e-4) << outputs;
    }
  }
}

TEST(LabelShift, FindsWhatWasTakenAway) {
  Random random(4);
  const std::vector<float> teacher = logits_of(random, 300, 3, 2);
  const std::vector<double> taken{-0.75, 0.25, 0.5};
  const auto shift = label_shift(moved(teacher, taken), teacher, 3);
  for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(shift[k], -taken[k], 1e-4);
  EXPECT_NEAR(label_distance(moved(teacher, taken), teacher, shift), 0, 1e-8);
  EXPECT_THAT(label_shift(teacher, teacher, 3), Each(DoubleNear(0, 1e-9)));
}

TEST(LabelShift, ComesNearerThanAnyOther) {
  Random random(5);
  for (const int64_t outputs : {1, 2, 4}) {
    const std::vector<float> student = logits_of(random, 100, outputs, 3);
    const std::vector<float> teacher = logits_of(random, 100, outputs, 3);
    const auto best = label_shift(student, teacher, outputs);
    const double least = label_distance(student, teacher, best);
    for (int trial = 0; trial < 50; ++trial) {
      std::vector<double> other = best;
      for (double& one : other) one += 0.3 * random.normal();
      EXPECT_GE(label_distance(student, teacher, other), least - 1e-9);
    }
  }
}

TEST(LabelShift, StaysFiniteWhereALabelIsNeverGiven) {
  const std::vector<float> student{30, -30, 25, -40}, teacher{-80, 80, -90, 90};
  for (const double one : label_shift(student, teacher, 2)) EXPECT_TRUE(std::isfinite(one));
}

TEST(LabelDistance, IsTheDivergenceByItsDefinition) {
  // Of (0.8, 0.2) and (0.5, 0.5), as one output and as two.
  const auto x = static_cast<float>(std::log(4.0));
  const double expected = 0.8 * std::log(0.8 / 0.5) + 0.2 * std::log(0.2 / 0.5);
  EXPECT_NEAR(label_distance({0}, {x}, {0}), expected, 1e-7);
  EXPECT_NEAR(label_distance({1, 1}, {x + 2, 2}, {0, 0}), expected, 1e-7);
  EXPECT_NEAR(label_distance({0}, {x}, {std::log(4.0)}), 0, 1e-7);
}

}  // namespace
}  // namespace fpcls
