#include "run/chain_judge.h"

#include <filesystem>

#include "base/error.h"
#include "base/text.h"
#include "metrics/comparison.h"
#include "model/model_file.h"
#include "run/bench.h"
#include "run/cascade_builder.h"
#include "run/evaluate.h"
#include "run/gate_runs.h"
#include "run/picture_list.h"

namespace fpcls {
namespace {

namespace fs = std::filesystem;

std::string judged_folder(const CompressOptions& options, const ChainStep& step) {
  return (fs::path(options.out) / "judged" / step.name).string();
}

/// The label that a binary model of two outputs has for what it doesn't accept; none elsewhere.
std::string negative_of(const Head& head) {
  if (!head.binary() || head.labels.size() != 2) return "";
  return head.labels[static_cast<size_t>(1 - head.positive)];
}

InputOptions test_pictures(const CompressOptions& options) {
  InputOptions input;
  input.inputs = options.test;
  input.label_map = options.prune.fine_tune.label_map;
  return input;
}

Evaluation evaluate(const CompressOptions& options, const ChainStep& step, const Head& head) {
  EvaluateOptions judge;
  judge.input = test_pictures(options);
  judge.cascade.model = {step.model};
  const std::string negative = negative_of(head);
  if (!negative.empty()) judge.cascade.otherwise = negative;
  judge.out = judged_folder(options, step);
  judge.resume = true;
  judge.output = options.output;
  return run_evaluate(judge, {"fpcls", "compress"}).evaluation;
}

void describe_file(ChainStep& step, const ModelFile& file) {
  step.precision = file.metadata.precision;
  step.size_bytes = static_cast<int64_t>(fs::file_size(step.model));
  step.parameters = parameter_count(file.graph);
  step.macs = mac_count(file.graph);
}

void describe_answers(ChainStep& step, const Evaluation& evaluation) {
  const ClassMetrics& first = evaluation.classes.at(0);
  step.label = first.label;
  step.precision_ratio = first.precision;
  step.recall_ratio = first.recall;
  step.buckets = evaluation.buckets.at(0);
}

StepChange change(const CompressOptions& options, const ChainStep& from, const ChainStep& to) {
  StepChange change;
  for (size_t i = 0; i < change.shift_points.size(); ++i) {
    change.shift_points[i] =
        100 * (to.buckets.ratio[i].value_or(0) - from.buckets.ratio[i].value_or(0));
  }
  const GateRun base = open_gate_run(judged_folder(options, from), nullptr);
  const GateRun candidate = open_gate_run(judged_folder(options, to), &base);
  ComparisonAccumulator pairs(base.run, candidate.run, TruthOf::base);
  for_each_pair(base.sorted(RowOrder::content), candidate.sorted(RowOrder::content),
                PairBy::content,
                [&](const Prediction& before, const Prediction& now) { pairs.add(before, now); });
  change.flips = static_cast<int64_t>(pairs.result().flips.size());
  return change;
}

void measure(const CompressOptions& options, const std::string& program, CompressResult& result) {
  BenchOptions bench;
  for (const ChainStep& step : result.steps) bench.models.push_back(step.model);
  bench.repeats = options.repeats;
  bench.threads = options.prune.fine_tune.threads;
  bench.output = options.output;
  const BenchResult measured = run_bench(bench, program);
  for (size_t i = 0; i < result.steps.size(); ++i) {
    result.steps[i].latency = measured.records.at(i).latency;
    result.steps[i].memory = measured.records.at(i).memory;
  }
  result.remarks.insert(result.remarks.end(), measured.remarks.begin(), measured.remarks.end());
}

}  // namespace

void check_test_pictures(const CompressOptions& options) {
  CascadeSpec spec;
  spec.model = {options.prune.model};
  spec.foreign = options.prune.foreign;
  LoadedCascade loaded = load_cascade(spec);
  const std::string negative = negative_of(loaded.models[0].head);
  if (!negative.empty()) loaded.cascade.otherwise = negative;
  list_pictures(test_pictures(options), cascade_labels(loaded.cascade), AnyLabel::no,
                /*quiet=*/true);
}

void judge_chain(const CompressOptions& options, const std::string& program,
                 CompressResult& result) {
  for (ChainStep& step : result.steps) {
    const ModelFile file = load_model_file(step.model);
    describe_file(step, file);
    const Evaluation evaluation = evaluate(options, step, file.metadata.head);
    if (evaluation.images.judged == 0) {
      fail("--test: none of the {} pictures has a label; judging needs the truth",
           evaluation.images.listed);
    }
    result.pictures = evaluation.images.judged;
    describe_answers(step, evaluation);
    if (&step == &result.steps.front()) continue;
    step.against_dense = change(options, result.steps.front(), step);
    step.against_before = change(options, *(&step - 1), step);
  }
  measure(options, program, result);
}

}  // namespace fpcls
