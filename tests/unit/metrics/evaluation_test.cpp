#include "metrics/evaluation.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "reference/metrics/made_predictions.h"
#include "reference/metrics/obvious_metrics.h"

namespace fpcls {
namespace {

using ::testing::ElementsAre;

constexpr double kTolerance = 1e-12;

Evaluation evaluate(const RunInfo& run, const std::vector<Prediction>& predictions) {
  EvaluationAccumulator accumulator(run);
  for (const Prediction& p : predictions) accumulator.add(p);
  return accumulator.result();
}

void expect_near(const std::optional<double>& a, const std::optional<double>& b) {
  ASSERT_EQ(a.has_value(), b.has_value());
  if (a) {
    EXPECT_NEAR(*a, *b, kTolerance);
  }
}

void expect_same_class(const ClassMetrics& a, const ClassMetrics& b) {
  SCOPED_TRACE(a.label);
  EXPECT_EQ(a.label, b.label);
  EXPECT_EQ(a.total, b.total);
  EXPECT_EQ(a.predicted, b.predicted);
  EXPECT_EQ(a.tp, b.tp);
  EXPECT_EQ(a.fp, b.fp);
  EXPECT_EQ(a.fn, b.fn);
  EXPECT_EQ(a.tn, b.tn);
  expect_near(a.accuracy, b.accuracy);
  expect_near(a.precision, b.precision);
  expect_near(a.recall, b.recall);
  expect_near(a.f1, b.f1);
}

void expect_as_obvious(const RunInfo& run, const std::vector<Prediction>& predictions) {
  const Evaluation e = evaluate(run, predictions);
  for (const ClassMetrics& c : e.classes) {
    expect_same_class(c, obvious::class_metrics(predictions, c.label));
  }
  expect_near(e.overall.accuracy, obvious::overall(predictions).accuracy);
  const auto& labels = e.confusion.labels;
  for (size_t t = 0; t < labels.size(); ++t) {
    for (size_t p = 0; p < labels.size(); ++p) {
      EXPECT_EQ(e.confusion.counts[t][p], obvious::confusion(predictions, labels[t], labels[p]));
    }
  }
  for (size_t s = 0; s < run.stages.size(); ++s) {
    const int stage = static_cast<int>(s);
    const Buckets buckets = obvious::buckets(run, predictions, stage);
    EXPECT_EQ(e.buckets[s].images, buckets.images);
    EXPECT_EQ(e.buckets[s].count, buckets.count);
    const ScoreHistogram histogram = obvious::histogram(run, predictions, stage);
    EXPECT_EQ(e.scores[s].positive, histogram.positive);
    EXPECT_EQ(e.scores[s].negative, histogram.negative);
    const FunnelStage funnel = obvious::funnel(run, predictions, stage);
    EXPECT_EQ(e.funnel[s].entered, funnel.entered);
    EXPECT_EQ(e.funnel[s].accepted, funnel.accepted);
    EXPECT_EQ(e.funnel[s].wrongly_accepted, funnel.wrongly_accepted);
    EXPECT_EQ(e.funnel[s].wrongly_passed_on, funnel.wrongly_passed_on);
  }
  size_t shown = 0;
  for (size_t i = 0; i < run.stages.size() + 3; ++i) {
    const PhaseLatency latency = obvious::latency(run, predictions, static_cast<int>(i));
    if (latency.images == 0) continue;
    const PhaseLatency& got = e.latency.at(shown++);
    EXPECT_EQ(got.images, latency.images);
    EXPECT_NEAR(got.mean_ms, latency.mean_ms, 1e-9);
    EXPECT_NEAR(got.p50_ms, latency.p50_ms, 1e-9);
    EXPECT_NEAR(got.p90_ms, latency.p90_ms, 1e-9);
    EXPECT_NEAR(got.p95_ms, latency.p95_ms, 1e-9);
    EXPECT_NEAR(got.p99_ms, latency.p99_ms, 1e-9);
    EXPECT_EQ(got.max_ms, latency.max_ms);
  }
  EXPECT_EQ(shown, e.latency.size());
}

TEST(Evaluation, EqualsTheObviousMetricsOnAHundredSeeds) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    RunInfo run = made::run(seed % 2 == 1, seed % 4 < 2);
    expect_as_obvious(run, made::predictions(run, static_cast<int64_t>(seed % 10) * 30, seed));
  }
}

// The acceptance table of version 2.0: 7,333 pictures, 36 of which belong to none of the classes.
TEST(Evaluation, GivesTheAcceptanceTable) {
  RunInfo run;
  run.stages.resize(5);
  const char* const names[] = {"wireframe", "satellite", "photo", "white", "garden"};
  for (size_t i = 0; i < 5; ++i) {
    run.stages[i].name = names[i];
    run.stages[i].scored_labels = {names[i]};
  }
  run.stages[3].scored_labels = {"simple"};
  run.stages[3].negative = "complex";
  struct Cell {
    const char* truth;
    const char* predicted;
    int count;
  };
  // Truth 259, 120, 223, 5200, 1478, 17 and 36 other; FP 17, 3, 0, 29, 2, 1; FN 6, 1, 7, 0, 1, 1.
  const Cell cells[] = {{"wireframe", "wireframe", 253}, {"wireframe", "simple", 6},
                        {"satellite", "satellite", 119}, {"satellite", "complex", 1},
                        {"photo", "photo", 216},         {"photo", "simple", 7},
                        {"simple", "simple", 5200},      {"complex", "complex", 1477},
                        {"complex", "garden", 1},        {"garden", "garden", 16},
                        {"garden", "complex", 1},        {"other", "wireframe", 17},
                        {"other", "satellite", 3},       {"other", "simple", 16}};
  std::vector<Prediction> predictions;
  for (const Cell& cell : cells) {
    for (int i = 0; i < cell.count; ++i) {
      Prediction p;
      p.row = static_cast<int64_t>(predictions.size());
      p.label = cell.truth;
      p.predicted = cell.predicted;
      predictions.push_back(p);
    }
  }
  ASSERT_EQ(predictions.size(), 7333u);
  const Evaluation e = evaluate(run, predictions);
  struct Row {
    const char* label;
    int64_t predicted, fp, fn;
    double accuracy, precision, recall;
  };
  const Row rows[] = {{"wireframe", 270, 17, 6, 0.996863, 0.937037, 0.976834},
                      {"satellite", 122, 3, 1, 0.999455, 0.975410, 0.991667},
                      {"photo", 216, 0, 7, 0.999045, 1, 0.968610},
                      {"simple", 5229, 29, 0, 0.996045, 0.994454, 1},
                      {"complex", 1479, 2, 1, 0.999591, 0.998648, 0.999323},
                      {"garden", 17, 1, 1, 0.999727, 0.941176, 0.941176}};
  ASSERT_EQ(e.classes.size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    SCOPED_TRACE(rows[i].label);
    const ClassMetrics& c = e.classes[i];
    EXPECT_EQ(c.label, rows[i].label);
    EXPECT_EQ(c.total, 7333);
    EXPECT_EQ(c.predicted, rows[i].predicted);
    EXPECT_EQ(c.fp, rows[i].fp);
    EXPECT_EQ(c.fn, rows[i].fn);
    EXPECT_EQ(std::round(*c.accuracy * 1e6), std::round(rows[i].accuracy * 1e6));
    EXPECT_EQ(std::round(*c.precision * 1e6), std::round(rows[i].precision * 1e6));
    EXPECT_EQ(std::round(*c.recall * 1e6), std::round(rows[i].recall * 1e6));
  }
  EXPECT_THAT(e.confusion.labels, ElementsAre("wireframe", "satellite", "photo", "simple",
                                              "complex", "garden", "other"));
}

TEST(Evaluation, DoesNotDependOnTheOrderOfPictures) {
  RunInfo run = made::run();
  std::vector<Prediction> predictions = made::predictions(run, 700, 5);
  const Evaluation a = evaluate(run, predictions);
  Random(3).shuffle(predictions);
  const Evaluation b = evaluate(run, predictions);
  EXPECT_EQ(a.confusion.labels, b.confusion.labels);
  EXPECT_EQ(a.confusion.counts, b.confusion.counts);
  ASSERT_EQ(a.errors.size(), b.errors.size());
  for (size_t i = 0; i < a.errors.size(); ++i) EXPECT_EQ(a.errors[i].row, b.errors[i].row);
  for (size_t i = 0; i < a.bad_images.size(); ++i) {
    EXPECT_EQ(a.bad_images[i].row, b.bad_images[i].row);
  }
  ASSERT_EQ(a.latency.size(), b.latency.size());
  for (size_t i = 0; i < a.latency.size(); ++i) {
    EXPECT_EQ(a.latency[i].mean_ms, b.latency[i].mean_ms);
    EXPECT_EQ(a.latency[i].p99_ms, b.latency[i].p99_ms);
  }
}

TEST(Evaluation, AddsUp) {
  RunInfo run = made::run(true, false);
  const Evaluation e = evaluate(run, made::predictions(run, 900, 5));
  EXPECT_EQ(e.images.listed, 900);
  EXPECT_EQ(e.images.listed, e.images.judged + e.images.unlabelled + e.images.undecodable);
  EXPECT_EQ(e.cache.hits + e.cache.misses + e.cache.bypassed, 900);
  EXPECT_EQ(static_cast<int64_t>(e.bad_images.size()), e.images.undecodable);
  for (const ClassMetrics& c : e.classes) {
    EXPECT_EQ(c.tp + c.fp + c.fn + c.tn, c.total);
    EXPECT_EQ(c.total, e.images.judged);
  }
  int64_t pairs = 0, charged = e.uncharged_errors;
  for (const auto& row : e.confusion.counts) {
    for (const int64_t n : row) pairs += n;
  }
  EXPECT_EQ(pairs, e.images.judged);
  for (const FunnelStage& f : e.funnel) charged += f.wrongly_accepted + f.wrongly_passed_on;
  EXPECT_EQ(charged, e.overall.judged - e.overall.correct);
  EXPECT_EQ(charged, static_cast<int64_t>(e.errors.size()));
  int64_t in_slices = 0, listed = 0;
  for (const SliceMetrics& slice : e.slices) {
    in_slices += slice.overall.correct;
    listed += slice.images.listed;
    EXPECT_EQ(slice.classes.size(), e.classes.size());
  }
  EXPECT_EQ(in_slices, e.overall.correct);
  EXPECT_EQ(listed, 900);
}

TEST(Evaluation, JudgesEachSliceAsIfItWereAlone) {
  RunInfo run = made::run();
  const auto predictions = made::predictions(run, 600, 8);
  const Evaluation e = evaluate(run, predictions);
  ASSERT_EQ(e.slices.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(e.slices[i].name, run.slices[i]);
    std::vector<Prediction> part;
    for (const Prediction& p : predictions) {
      if (p.slice == run.slices[i]) part.push_back(p);
    }
    for (const ClassMetrics& c : e.slices[i].classes) {
      expect_same_class(c, obvious::class_metrics(part, c.label));
    }
  }
}

TEST(Evaluation, OfNothingHasNoRatios) {
  const Evaluation e = evaluate(made::run(), {});
  EXPECT_EQ(e.images.listed, 0);
  EXPECT_FALSE(e.overall.accuracy);
  EXPECT_FALSE(e.overall.accuracy_interval);
  for (const ClassMetrics& c : e.classes) {
    EXPECT_FALSE(c.accuracy || c.precision || c.recall || c.f1 || c.recall_interval);
  }
  for (const Buckets& b : e.buckets) EXPECT_FALSE(b.ratio[0]);
  EXPECT_TRUE(e.latency.empty());
}

Prediction judged(std::string truth, std::string predicted, int stage,
                  std::vector<StageScores> scores = {}) {
  Prediction p;
  p.label = std::move(truth);
  p.predicted = std::move(predicted);
  p.stage = stage;
  p.scores = std::move(scores);
  return p;
}

TEST(Evaluation, ChargesTheFirstStageThatErred) {
  const RunInfo run = made::run();  // wireframe, 拍照, garden, simple | complex
  const auto charge = [&](const Prediction& p) { return evaluate(run, {p}).errors.at(0).stage; };
  EXPECT_EQ(charge(judged("garden", "wireframe", 0)), "wireframe") << "never reached garden";
  EXPECT_EQ(charge(judged("wireframe", "garden", 2)), "wireframe") << "passed on before";
  EXPECT_EQ(charge(judged("complex", "simple", 3)), "white") << "the stage of both";
  EXPECT_EQ(charge(judged("complex", "other", -1)), "white");
  EXPECT_EQ(charge(judged("other", "garden", 2)), "garden");
  EXPECT_EQ(charge(judged("unheard", "other", -1)), "") << "no stage could know";
}

TEST(Evaluation, OrdersErrorsByTheConfidenceOfTheWrongDecision) {
  const RunInfo run = made::run();
  std::vector<Prediction> predictions = {
      judged("other", "wireframe", 0, {{0, {0.75F}, 0}}),    // sure of 0.75
      judged("wireframe", "other", -1, {{0, {0.125F}, 0}}),  // sure of 0.875 that it's not
      judged("simple", "complex", 3, {{3, {0.0625F}, 0}}),   // sure of 0.9375
      judged("unheard", "other", -1, {}),                    // nobody said anything
      judged("complex", "other", -1, {{3, {0.5F}, 0}})};
  for (size_t i = 0; i < predictions.size(); ++i) predictions[i].row = static_cast<int64_t>(i);
  const auto errors = evaluate(run, predictions).errors;
  ASSERT_EQ(errors.size(), 5u);
  std::vector<int64_t> rows;
  for (const ErrorCase& error : errors) rows.push_back(error.row);
  EXPECT_THAT(rows, ElementsAre(2, 1, 0, 4, 3));
  EXPECT_EQ(errors[0].harm, 0.9375F);
  EXPECT_EQ(errors[1].harm, 0.875F);
  EXPECT_EQ(errors[1].score, 0.125F);
  EXPECT_EQ(errors[4].harm, std::nullopt);
}

TEST(Evaluation, ComparesScoresWithBoundsAsFloat32) {
  const RunInfo run = made::run();
  for (size_t i = 0; i < kBucketBounds.size(); ++i) {
    const float bound = kBucketBounds[i];
    const auto hit = judged("wireframe", "wireframe", 0, {{0, {bound}, 0}});
    const auto miss = judged("wireframe", "wireframe", 0, {{0, {std::nextafter(bound, 0.0F)}, 0}});
    EXPECT_EQ(evaluate(run, {hit}).buckets[0].count[i], 1);
    EXPECT_EQ(evaluate(run, {miss}).buckets[0].count[i], 0);
  }
}

TEST(Evaluation, TakesClassesFromTheDataWhereThereAreNoStages) {
  const RunInfo none;
  const Evaluation e = evaluate(none, {judged("b", "a", -1), judged("c", "other", -1)});
  std::vector<std::string> labels;
  for (const ClassMetrics& c : e.classes) labels.push_back(c.label);
  EXPECT_THAT(labels, ElementsAre("a", "b", "c"));
  EXPECT_THAT(e.confusion.labels, ElementsAre("a", "b", "c", "other"));
}

}  // namespace
}  // namespace fpcls
