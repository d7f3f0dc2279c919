#include "compress/label_shift.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace fpcls {
namespace {

/// Log-probabilities of two or more labels, row-major {pictures, labels}.
class Answers {
 public:
  Answers(const std::vector<float>& logits, const std::vector<double>& shift)
      : outputs_(shift.size()), labels_(std::max<size_t>(outputs_, 2)) {
    std::vector<double> row(labels_);
    for (size_t first = 0; first < logits.size(); first += outputs_) {
      for (size_t k = 0; k < outputs_; ++k) row[k] = double{logits[first + k]} + shift[k];
      const double largest = *std::max_element(row.begin(), row.end());
      double sum = 0;
      for (const double x : row) sum += std::exp(x - largest);
      for (const double x : row) logs_.push_back(x - largest - std::log(sum));
    }
  }

  const std::vector<double>& logs() const { return logs_; }
  double pictures() const { return static_cast<double>(logs_.size() / labels_); }

  /// Mean probability of each label; never quite 0, so that it has a logarithm.
  std::vector<double> means() const {
    constexpr double kLeast = 1e-6;
    std::vector<double> sums(labels_);
    for (size_t i = 0; i < logs_.size(); ++i) sums[i % labels_] += std::exp(logs_[i]);
    for (double& sum : sums) sum = std::max(sum / pictures(), kLeast);
    return sums;
  }

 private:
  size_t outputs_, labels_;
  std::vector<double> logs_;
};

}  // namespace

std::vector<double> label_shift(const std::vector<float>& student,
                                const std::vector<float>& teacher, int64_t outputs) {
  constexpr int kMostRounds = 100;
  constexpr double kEnough = 1e-7;
  const auto count = static_cast<size_t>(outputs);
  FPCLS_CHECK(outputs > 0 && !student.empty() && student.size() % count == 0);
  FPCLS_CHECK(student.size() == teacher.size());
  std::vector<double> shift(count);
  const std::vector<double> wanted = Answers(teacher, shift).means();
  for (int round = 0; round < kMostRounds; ++round) {
    const std::vector<double> got = Answers(student, shift).means();
    double largest = 0;
    std::vector<double> steps;
    for (size_t k = 0; k < wanted.size(); ++k) steps.push_back(std::log(wanted[k] / got[k]));
    for (size_t k = 0; k < count; ++k) {
      // A single output is the difference to the label whose logit is 0.
      const double step = count == 1 ? steps[0] - steps[1] : steps[k];
      shift[k] += step;
      largest = std::max(largest, std::abs(step));
    }
    if (largest < kEnough) break;
  }
  if (count == 1) return shift;
  // All outputs together may be moved without any effect.
  const double mean = std::accumulate(shift.begin(), shift.end(), 0.0) / static_cast<double>(count);
  for (double& one : shift) one -= mean;
  return shift;
}

double label_distance(const std::vector<float>& student, const std::vector<float>& teacher,
                      const std::vector<double>& shift) {
  const Answers got(student, shift), wanted(teacher, std::vector<double>(shift.size()));
  FPCLS_CHECK(got.logs().size() == wanted.logs().size() && !got.logs().empty());
  double sum = 0;
  for (size_t i = 0; i < got.logs().size(); ++i) {
    sum += std::exp(wanted.logs()[i]) * (wanted.logs()[i] - got.logs()[i]);
  }
  return sum / got.pictures();
}

}  // namespace fpcls
