#include "metrics/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "predictions/decision.h"
#include "predictions/pairing.h"
#include "reference/metrics/made_predictions.h"

namespace fpcls {
namespace {

using Predictions = std::vector<Prediction>;

/// The same pictures with some scores drawn again.
Predictions changed(const RunInfo& run, Predictions predictions, double share, uint64_t seed) {
  Random random(seed);
  for (Prediction& p : predictions) {
    if (!p.decoded() || !random.chance(share)) continue;
    for (StageScores& s : p.scores) {
      for (float& score : s.scores) score = static_cast<float>(random.uniform());
    }
    const DecisionOrGap outcome = decide(run, p.scores);
    p.stage = outcome.decision->stage;
    p.predicted = outcome.decision->label;
  }
  return predictions;
}

Comparison compare(const RunInfo& run, const Predictions& base, const Predictions& candidate) {
  ComparisonAccumulator accumulator(run, run, TruthOf::base);
  for (size_t i = 0; i < base.size(); ++i) accumulator.add(base[i], candidate[i]);
  return accumulator.result();
}

Evaluation evaluate(const RunInfo& run, const Predictions& predictions) {
  EvaluationAccumulator accumulator(run);
  for (const Prediction& p : predictions) accumulator.add(p);
  return accumulator.result();
}

TEST(Comparison, CountsOfEachRunAreThoseOfItsOwnEvaluation) {
  for (const bool multi : {false, true}) {
    RunInfo run = made::run(multi);
    const Predictions base = made::predictions(run, 700, 3);
    const Predictions candidate = changed(run, base, 0.3, 4);
    const Comparison comparison = compare(run, base, candidate);
    const Evaluation before = evaluate(run, base), now = evaluate(run, candidate);
    EXPECT_EQ(comparison.accuracy.base_right, before.overall.correct);
    EXPECT_EQ(comparison.accuracy.candidate_right, now.overall.correct);
    for (const ClassMetrics& c : before.classes) {
      const auto found = std::find_if(comparison.classes.begin(), comparison.classes.end(),
                                      [&](const ClassComparison& x) { return x.label == c.label; });
      ASSERT_NE(found, comparison.classes.end());
      EXPECT_EQ(found->recall.base_right, c.tp);
      EXPECT_EQ(found->specificity.base_right, c.tn);
      EXPECT_EQ(found->base_predicted, c.predicted);
    }
    ASSERT_EQ(comparison.buckets.size(), now.buckets.size());
    for (size_t i = 0; i < now.buckets.size(); ++i) {
      EXPECT_EQ(comparison.buckets[i].images, now.buckets[i].images);
      for (size_t k = 0; k < kBucketBounds.size(); ++k) {
        EXPECT_EQ(comparison.buckets[i].at_least[k].candidate_right, now.buckets[i].count[k]);
      }
    }
  }
}

TEST(Comparison, LostLessGainedIsTheDifferenceOfTheCounts) {
  RunInfo run = made::run();
  const Predictions base = made::predictions(run, 500, 5);
  const Comparison comparison = compare(run, base, changed(run, base, 0.4, 6));
  const auto check = [](const PairedTally& tally) {
    EXPECT_EQ(tally.counts.lost - tally.counts.gained, tally.base_right - tally.candidate_right);
    EXPECT_LE(tally.counts.lost + tally.counts.gained, tally.counts.n);
  };
  check(comparison.accuracy);
  for (const ClassComparison& c : comparison.classes) {
    check(c.recall);
    check(c.specificity);
  }
  for (const BucketComparison& b : comparison.buckets) {
    int64_t moved = 0;
    for (const auto& row : b.migration) moved = std::accumulate(row.begin(), row.end(), moved);
    EXPECT_EQ(moved, b.images);
    int64_t flipped = 0;
    for (size_t i = 0; i < kMigrationBins; ++i) {
      for (size_t j = 0; j < kMigrationBins; ++j) {
        EXPECT_LE(b.migration_flipped[i][j], b.migration[i][j]);
        flipped += b.migration_flipped[i][j];
      }
    }
    EXPECT_GT(flipped, 0);
    EXPECT_LT(flipped, b.images);
    for (const PairedTally& tally : b.at_least) check(tally);
  }
  EXPECT_FALSE(comparison.identical);
}

TEST(Comparison, ARunHeldAgainstItselfIsIdentical) {
  RunInfo run = made::run();
  const Predictions base = made::predictions(run, 300, 7);
  const Comparison comparison = compare(run, base, base);
  EXPECT_TRUE(comparison.identical);
  EXPECT_TRUE(comparison.flips.empty());
  EXPECT_TRUE(comparison.accuracy.identical);
  for (const ClassComparison& c : comparison.classes) EXPECT_TRUE(c.specificity.identical);
}

TEST(Comparison, OneChangedScoreIsNoLongerIdenticalThoughNoAnswerChanged) {
  RunInfo run = made::run();
  Predictions base = made::predictions(run, 50, 8);
  Predictions candidate = base;
  const auto decoded = std::find_if(candidate.begin(), candidate.end(),
                                    [](const Prediction& p) { return p.decoded() && p.label; });
  float& score = decoded->scores[0].scores[0];
  score = score > 0.5F ? score - 1e-6F : score + 1e-7F;
  const Comparison comparison = compare(run, base, candidate);
  EXPECT_FALSE(comparison.identical);
  EXPECT_FALSE(comparison.accuracy.identical);
  EXPECT_TRUE(comparison.flips.empty());
}

TEST(Comparison, FlipsAreAllAndOnlyTheChangedAnswersRegressionsFirst) {
  RunInfo run = made::run();
  const Predictions base = made::predictions(run, 400, 9);
  const Predictions candidate = changed(run, base, 0.5, 10);
  int64_t differing = 0;
  for (size_t i = 0; i < base.size(); ++i) {
    differing += base[i].predicted != candidate[i].predicted ? 1 : 0;
  }
  const Comparison comparison = compare(run, base, candidate);
  ASSERT_EQ(static_cast<int64_t>(comparison.flips.size()), differing);
  for (size_t i = 1; i < comparison.flips.size(); ++i) {
    const Flip &a = comparison.flips[i - 1], &b = comparison.flips[i];
    EXPECT_LE(a.kind, b.kind);
    if (a.kind == b.kind) { EXPECT_GE(a.harm.value_or(-1), b.harm.value_or(-1)); }
  }
  for (const Flip& flip : comparison.flips) {
    EXPECT_EQ(flip.kind == FlipKind::regression, flip.label && flip.before == *flip.label);
    EXPECT_EQ(flip.kind == FlipKind::recovery, flip.label && flip.now == *flip.label);
  }
}

TEST(Comparison, APictureThatOneRunCannotDecodeIsWrongThere) {
  RunInfo run = made::run();
  Predictions base = made::predictions(run, 1, 1);
  base[0].reason_code = "";
  base[0].label = base[0].predicted = "garden";
  Predictions candidate = base;
  candidate[0].reason_code = "truncated";
  candidate[0].predicted = "";
  candidate[0].scores.clear();
  candidate[0].stage = -1;
  const Comparison comparison = compare(run, base, candidate);
  EXPECT_EQ(comparison.candidate_undecodable, 1);
  EXPECT_EQ(comparison.accuracy.counts.lost, 1);
  ASSERT_EQ(comparison.flips.size(), 1U);
  EXPECT_EQ(comparison.flips[0].kind, FlipKind::regression);
}

TEST(Comparison, TellsChangedAndMissingLabels) {
  RunInfo run = made::run();
  Predictions base = made::predictions(run, 30, 2);
  for (Prediction& p : base) p.label = "garden";
  Predictions candidate = base;
  candidate[3].label = "photo";
  candidate[4].label.reset();
  const Comparison comparison = compare(run, base, candidate);
  EXPECT_EQ(comparison.labels_changed, base[3].decoded() ? 1 : 0);
  EXPECT_EQ(comparison.labels_missing, base[4].decoded() ? 1 : 0);
}

SortedSource source_of(const Predictions& sorted) {
  return [&sorted, next = size_t{0}](Prediction& p) mutable {
    if (next == sorted.size()) return false;
    p = sorted[next++];
    return true;
  };
}

Predictions with_content(const std::vector<std::string>& contents) {
  Predictions predictions;
  for (const std::string& content : contents) {
    predictions.emplace_back();
    predictions.back().sha256 = content;
    predictions.back().path = std::to_string(predictions.size());
  }
  return predictions;
}

TEST(Pairing, PairsCopiesByOccurrenceAndCountsWhatIsLeft) {
  const Predictions base = with_content({"", "a", "a", "a", "b", "d"});
  const Predictions candidate = with_content({"a", "a", "c", "d", "e"});
  std::string pairs;
  const PairingCounts counts =
      for_each_pair(source_of(base), source_of(candidate), PairBy::content,
                    [&](const Prediction& a, const Prediction& b) {
                      EXPECT_EQ(a.sha256, b.sha256);
                      pairs += a.sha256;
                    });
  EXPECT_EQ(pairs, "aad");
  EXPECT_EQ(counts.paired, 3);
  EXPECT_EQ(counts.base_only, 2);
  EXPECT_EQ(counts.first_base_only, "4");
  EXPECT_EQ(counts.candidate_only, 2);
  EXPECT_EQ(counts.base_unread, 1);
}

TEST(Pairing, OfNothingIsNothing) {
  const Predictions none;
  const PairingCounts counts = for_each_pair(source_of(none), source_of(none), PairBy::path,
                                             [](const Prediction&, const Prediction&) {});
  EXPECT_EQ(counts.paired + counts.base_only + counts.candidate_only, 0);
}

}  // namespace
}  // namespace fpcls
