#include "compress/answer_match.h"

#include <gmock/gmock.h>

#include <algorithm>
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

std::vector<float> changed(std::vector<float> logits, const AnswerMatch& match) {
  for (size_t i = 0; i < logits.size(); ++i) {
    logits[i] =
        static_cast<float>(match.scale * double{logits[i]} + match.shift[i % match.shift.size()]);
  }
  return logits;
}

/// Of each label its mean probability, a single output's other label first, then that of each
/// picture's likeliest.
std::vector<double> means_by_definition(const std::vector<float>& logits, size_t outputs) {
  std::vector<double> means(std::max<size_t>(outputs, 2) + 1);
  const auto pictures = static_cast<double>(logits.size() / outputs);
  for (size_t first = 0; first < logits.size(); first += outputs) {
    std::vector<double> odds;
    if (outputs == 1) odds.push_back(1);
    for (size_t k = first; k < first + outputs; ++k) odds.push_back(std::exp(double{logits[k]}));
    const double sum = std::accumulate(odds.begin(), odds.end(), 0.0);
    for (size_t k = 0; k < odds.size(); ++k) means[k] += odds[k] / sum / pictures;
    means.back() += *std::max_element(odds.begin(), odds.end()) / sum / pictures;
  }
  return means;
}

TEST(AnswerMatch, MakesLabelsAsLikelyAndAnswersAsSureAsTheTeachersOnAverage) {
  Random random(3);
  for (const int64_t outputs : {1, 2, 5}) {
    for (const double spread : {2.0, 3.0, 4.0}) {
      const std::vector<float> student = logits_of(random, 200, outputs, spread);
      std::vector<float> teacher = logits_of(random, 200, outputs, 3);
      for (size_t i = 0; i < teacher.size(); i += static_cast<size_t>(outputs)) teacher[i] += 1.5F;
      const AnswerMatch match = answer_match(student, teacher, outputs);
      const auto count = static_cast<size_t>(outputs);
      const auto got = means_by_definition(changed(student, match), count);
      const auto wanted = means_by_definition(teacher, count);
      for (size_t k = 0; k < got.size(); ++k) {
        EXPECT_NEAR(got[k], wanted[k], 1e-4) << outputs << " outputs, spread " << spread;
      }
    }
  }
}

TEST(AnswerMatch, FindsWhatWasTakenAway) {
  Random random(4);
  const std::vector<float> teacher = logits_of(random, 300, 3, 2);
  const std::vector<double> taken{-0.75, 0.25, 0.5};
  const AnswerMatch match = answer_match(changed(teacher, {0.6, taken}), teacher, 3);
  EXPECT_NEAR(match.scale, 1 / 0.6, 1e-3);
  for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(match.shift[k], -taken[k] / 0.6, 1e-3);
  const AnswerMatch none = answer_match(teacher, teacher, 3);
  EXPECT_NEAR(none.scale, 1, 1e-4);
  EXPECT_THAT(none.shift, Each(DoubleNear(0, 1e-4)));
}

TEST(AnswerMatch, ScalesByNoMoreThanTwo) {
  Random random(5);
  const std::vector<float> sure = logits_of(random, 50, 1, 8),
                           unsure = logits_of(random, 50, 1, 0.1);
  EXPECT_NEAR(answer_match(unsure, sure, 1).scale, 2, 1e-4);
  EXPECT_NEAR(answer_match(sure, unsure, 1).scale, 0.5, 1e-4);
}

TEST(AnswerMatch, LeavesTheScaleWhereAllAnswersAreOneLabel) {
  // Then the label's mean is the confidence, which the shift has made right.
  const std::vector<float> student{2, 3, 4, 5}, teacher{3, 5, 6, 4};
  EXPECT_EQ(answer_match(student, teacher, 1).scale, 1);
}

TEST(AnswerMatch, StaysFiniteWhereALabelIsNeverGiven) {
  const std::vector<float> student{30, -30, 25, -40}, teacher{-80, 80, -90, 90};
  const AnswerMatch match = answer_match(student, teacher, 2);
  EXPECT_TRUE(std::isfinite(match.scale));
  for (const double one : match.shift) EXPECT_TRUE(std::isfinite(one));
}

}  // namespace
}  // namespace fpcls
