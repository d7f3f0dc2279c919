#include "tune/score_shift.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/error.h"
#include "base/threads.h"

namespace fpcls {
namespace {

PixelBatch picture_of(const TrainingSet& set, int64_t i) {
  PixelBatch batch;
  batch.height = set.height;
  batch.width = set.width;
  batch.pixels.assign(set.picture(i), set.picture(i) + set.picture_bytes());
  batch.rows = {i};
  return batch;
}

size_t bin_of(float score) {
  size_t bin = 0;
  while (bin < kBucketBounds.size() && score >= kBucketBounds[bin]) ++bin;
  return bin;
}

int64_t sum_of(const ScoreMigration::Counts& counts, bool diagonal) {
  int64_t sum = 0;
  for (size_t i = 0; i < kScoreBins; ++i) {
    for (size_t j = 0; j < kScoreBins; ++j) sum += diagonal || i != j ? counts[i][j] : 0;
  }
  return sum;
}

std::optional<double> ratio(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

JudgedScores judge_scores(Executor& executor, const Head& head, float accept,
                          const TrainingSet& set, int workers,
                          const std::function<void()>& picture) {
  JudgedScores judged;
  judged.correct.resize(static_cast<size_t>(set.size()));
  judged.answer.resize(static_cast<size_t>(set.size()));
  std::atomic<int64_t> next{0};
  run_workers(workers, [&](int) {
    for (int64_t i = next++; i < set.size(); i = next++) {
      const std::vector<float> logits = executor.run(picture_of(set, i));
      const std::vector<float> scores = scores_of(head, logits.data());
      const auto row = static_cast<size_t>(i);
      const int truth = set.targets[row];
      if (head.binary()) {
        judged.answer[row] = scores[0] >= accept ? 1 : 0;
        judged.correct[row] = truth == 1 ? scores[0] : 1 - scores[0];
      } else {
        judged.answer[row] =
            static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
        judged.correct[row] = scores[static_cast<size_t>(truth)];
      }
      picture();
    }
  });
  return judged;
}

ScoreFigures figures_of(const JudgedScores& scores, const TrainingSet& set, const Head& head) {
  ScoreFigures figures;
  figures.pictures = set.size();
  int64_t true_positives = 0, given = 0, there = 0;
  for (size_t i = 0; i < scores.correct.size(); ++i) {
    for (size_t b = 0; b < kBucketBounds.size(); ++b) {
      figures.at_least[b] += scores.correct[i] >= kBucketBounds[b] ? 1 : 0;
    }
    const int truth = set.targets[i];
    figures.right += scores.answer[i] == truth ? 1 : 0;
    given += scores.answer[i] == 1 ? 1 : 0;
    there += truth == 1 ? 1 : 0;
    true_positives += scores.answer[i] == 1 && truth == 1 ? 1 : 0;
  }
  if (head.binary()) {
    figures.precision = ratio(true_positives, given);
    figures.recall = ratio(true_positives, there);
  }
  return figures;
}

double largest_shift_points(const ScoreFigures& before, const ScoreFigures& after) {
  double largest = 0;
  const auto consider = [&](double a, double b) {
    largest = std::max(largest, 100 * std::abs(b - a));
  };
  FPCLS_CHECK(before.pictures == after.pictures && before.pictures > 0);
  for (size_t b = 0; b < before.at_least.size(); ++b) {
    consider(*ratio(before.at_least[b], before.pictures),
             *ratio(after.at_least[b], after.pictures));
  }
  consider(before.precision.value_or(0), after.precision.value_or(0));
  consider(before.recall.value_or(0), after.recall.value_or(0));
  return largest;
}

int64_t ScoreMigration::moved() const { return sum_of(kept, false) + sum_of(flipped, false); }

int64_t ScoreMigration::flips() const { return sum_of(flipped, true); }

PairedCounts bucket_pairs(const ScoreMigration& migration, size_t bucket) {
  PairedCounts pairs;
  for (size_t from = 0; from < kScoreBins; ++from) {
    for (size_t to = 0; to < kScoreBins; ++to) {
      const int64_t count = migration.kept[from][to] + migration.flipped[from][to];
      pairs.n += count;
      if (from > bucket && to <= bucket) pairs.lost += count;
      if (from <= bucket && to > bucket) pairs.gained += count;
    }
  }
  return pairs;
}

ScoreMigration migration_of(const JudgedScores& before, const JudgedScores& after) {
  FPCLS_CHECK(before.correct.size() == after.correct.size());
  ScoreMigration migration;
  for (size_t i = 0; i < before.correct.size(); ++i) {
    auto& counts = before.answer[i] == after.answer[i] ? migration.kept : migration.flipped;
    ++counts[bin_of(before.correct[i])][bin_of(after.correct[i])];
  }
  return migration;
}

}  // namespace fpcls
