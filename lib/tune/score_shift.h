#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "exec/executor.h"
#include "graph/head.h"
#include "metrics/evaluation.h"
#include "metrics/paired.h"
#include "tune/training_set.h"

/// What a model says of labelled pictures, in the figures that a release is accepted on, and how
/// far another model's answers to the same pictures are from them.
namespace fpcls {

/// Of each picture, in the set's order.
struct JudgedScores {
  std::vector<float> correct;  ///< the score for its true label
  /// The label it is given: of a binary model 1 (the positive) or 0, else the best score's.
  std::vector<int> answer;
};

/// Runs `executor` on all pictures of `set`, whose pixels are at network size; targets are as
/// answers. `picture` is called after each one and may throw.
JudgedScores judge_scores(Executor& executor, const Head& head, float accept,
                          const TrainingSet& set, int workers,
                          const std::function<void()>& picture);

struct ScoreFigures {
  int64_t pictures = 0;
  std::array<int64_t, kBucketBounds.size()> at_least{};  ///< pictures by score for the true label
  /// Of the positive label; absent where undefined, and for models of many classes.
  std::optional<double> precision, recall;
  int64_t right = 0;  ///< pictures that are given their label
};

ScoreFigures figures_of(const JudgedScores& scores, const TrainingSet& set, const Head& head);

/// The largest change of a bucket's share, of precision or of recall, up or down, in points; what
/// is undefined in one of the two counts as 0.
double largest_shift_points(const ScoreFigures& before, const ScoreFigures& after);

constexpr size_t kScoreBins = kBucketBounds.size() + 1;

/// Pictures by the bin of their score for the true label before (row) and after (column): below the
/// first bound, …, at least the last.
struct ScoreMigration {
  using Counts = std::array<std::array<int64_t, kScoreBins>, kScoreBins>;
  Counts kept{};     ///< whose answer is the same
  Counts flipped{};  ///< whose answer changed

  int64_t moved() const;  ///< to another bin
  int64_t flips() const;
};

/// Of the pictures whose score for the true label is at least the bound `bucket`: those that were
/// before only are lost, those that are now only gained.
PairedCounts bucket_pairs(const ScoreMigration& migration, size_t bucket);

ScoreMigration migration_of(const JudgedScores& before, const JudgedScores& after);

}  // namespace fpcls
