#include "metrics/evaluation.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "metrics/stage_tally.h"

namespace fpcls {
namespace {

/// Labels as small numbers, in the order in which they came.
class LabelIndex {
 public:
  size_t of(const std::string& label) {
    const auto [found, fresh] = index_.try_emplace(label, labels_.size());
    if (fresh) labels_.push_back(label);
    return found->second;
  }
  const std::vector<std::string>& labels() const { return labels_; }

 private:
  std::unordered_map<std::string, size_t> index_;
  std::vector<std::string> labels_;
};

/// Pictures by truth and prediction, numbered by a LabelIndex.
class PairCounts {
 public:
  void add(size_t truth, size_t predicted) {
    const size_t needed = std::max(truth, predicted) + 1;
    if (counts_.size() < needed) {
      counts_.resize(needed);
      for (auto& row : counts_) row.resize(needed);
    }
    ++counts_[truth][predicted];
  }
  int64_t of(size_t truth, size_t predicted) const {
    return std::max(truth, predicted) < counts_.size() ? counts_[truth][predicted] : 0;
  }

 private:
  std::vector<std::vector<int64_t>> counts_;
};

struct Group {
  ImageCounts images;
  PairCounts pairs;
};

std::optional<double> ratio(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

void set_ratios(ClassMetrics& c) {
  c.accuracy = ratio(c.tp + c.tn, c.total);
  c.precision = ratio(c.tp, c.tp + c.fp);
  c.recall = ratio(c.tp, c.tp + c.fn);
  c.f1 = ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn);
  c.accuracy_interval = wilson_interval(c.tp + c.tn, c.total);
  c.precision_interval = wilson_interval(c.tp, c.tp + c.fp);
  c.recall_interval = wilson_interval(c.tp, c.tp + c.fn);
}

Confusion confusion_of(const PairCounts& pairs, const LabelIndex& index,
                       std::vector<std::string> labels) {
  std::unordered_map<std::string, size_t> numbers;
  for (size_t i = 0; i < index.labels().size(); ++i) numbers[index.labels()[i]] = i;
  Confusion result;
  result.counts.assign(labels.size(), std::vector<int64_t>(labels.size()));
  for (size_t truth = 0; truth < labels.size(); ++truth) {
    for (size_t predicted = 0; predicted < labels.size(); ++predicted) {
      const auto t = numbers.find(labels[truth]);
      const auto p = numbers.find(labels[predicted]);
      if (t == numbers.end() || p == numbers.end()) continue;
      result.counts[truth][predicted] = pairs.of(t->second, p->second);
    }
  }
  result.labels = std::move(labels);
  return result;
}

/// The first `count` labels of the confusion matrix, each against the rest.
std::vector<ClassMetrics> classes_of(const Confusion& confusion, size_t count, int64_t judged) {
  std::vector<ClassMetrics> classes(count);
  for (size_t i = 0; i < count; ++i) {
    ClassMetrics& c = classes[i];
    c.label = confusion.labels[i];
    c.total = judged;
    int64_t truth = 0;
    for (size_t other = 0; other < confusion.labels.size(); ++other) {
      c.predicted += confusion.counts[other][i];
      truth += confusion.counts[i][other];
    }
    c.tp = confusion.counts[i][i];
    c.fp = c.predicted - c.tp;
    c.fn = truth - c.tp;
    c.tn = judged - c.tp - c.fp - c.fn;
    set_ratios(c);
  }
  return classes;
}

Overall overall_of(const Confusion& confusion, int64_t judged) {
  Overall overall;
  overall.judged = judged;
  for (size_t i = 0; i < confusion.labels.size(); ++i) overall.correct += confusion.counts[i][i];
  overall.accuracy = ratio(overall.correct, judged);
  overall.accuracy_interval = wilson_interval(overall.correct, judged);
  return overall;
}

}  // namespace

std::vector<std::string> stage_labels(const RunInfo& run) {
  std::vector<std::string> labels;
  const auto add = [&](const std::string& label) {
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
  };
  for (const StageInfo& stage : run.stages) {
    for (const std::string& label : stage.scored_labels) add(label);
    if (!stage.negative.empty()) add(stage.negative);
  }
  return labels;
}

struct EvaluationAccumulator::Impl {
  explicit Impl(const RunInfo& info) : run(info), stages(info), latency(info) {
    for (const std::string& name : run.slices) by_slice[name];
  }

  void add(const Prediction& p) {
    Group& slice = by_slice[p.slice];
    count(whole.images, p);
    count(slice.images, p);
    ++(p.cache == CacheUse::hit    ? cache.hits
       : p.cache == CacheUse::miss ? cache.misses
                                   : cache.bypassed);
    if (p.warnings > 0) ++pictures_with_warnings;
    if (!p.decoded()) {
      bad_images.push_back({p.row, p.path, p.slice, p.reason_code, p.reason});
      return;
    }
    latency.add(p);
    stages.add(p);
    if (!p.label) return;
    const size_t truth = labels.of(*p.label);
    const size_t predicted = labels.of(p.predicted);
    whole.pairs.add(truth, predicted);
    slice.pairs.add(truth, predicted);
  }

  static void count(ImageCounts& images, const Prediction& p) {
    ++images.listed;
    ++(!p.decoded() ? images.undecodable : p.label ? images.judged : images.unlabelled);
  }

  /// The classes, then what only the confusion matrix shows.
  std::vector<std::string> matrix_labels(size_t& class_count) const {
    std::vector<std::string> result = stage_labels(run);
    const std::set<std::string> known(result.begin(), result.end());
    std::set<std::string> more, rest;
    for (size_t i = 0; i < labels.labels().size(); ++i) {
      const std::string& label = labels.labels()[i];
      if (known.count(label) > 0 || label == run.otherwise) continue;
      (run.stages.empty() || is_predicted(i) ? more : rest).insert(label);
    }
    result.insert(result.end(), more.begin(), more.end());
    class_count = result.size();
    if (known.count(run.otherwise) == 0) result.push_back(run.otherwise);
    result.insert(result.end(), rest.begin(), rest.end());
    return result;
  }

  bool is_predicted(size_t label) const {
    for (size_t truth = 0; truth < labels.labels().size(); ++truth) {
      if (whole.pairs.of(truth, label) > 0) return true;
    }
    return false;
  }

  SliceMetrics slice_metrics(const std::string& name, const Group& group, const Confusion& of_all,
                             size_t class_count) const {
    const Confusion confusion = confusion_of(group.pairs, labels, of_all.labels);
    return {name, group.images, classes_of(confusion, class_count, group.images.judged),
            overall_of(confusion, group.images.judged)};
  }

  RunInfo run;
  LabelIndex labels;
  Group whole;
  std::map<std::string, Group> by_slice;
  StageTally stages;
  LatencyTally latency;
  CacheCounts cache;
  int64_t pictures_with_warnings = 0;
  std::vector<BadImage> bad_images;
};

EvaluationAccumulator::EvaluationAccumulator(const RunInfo& run)
    : impl_(std::make_unique<Impl>(run)) {}
EvaluationAccumulator::~EvaluationAccumulator() = default;
EvaluationAccumulator::EvaluationAccumulator(EvaluationAccumulator&&) noexcept = default;

void EvaluationAccumulator::add(const Prediction& prediction) { impl_->add(prediction); }

Evaluation EvaluationAccumulator::result() const {
  const Impl& in = *impl_;
  Evaluation e;
  size_t class_count = 0;
  e.images = in.whole.images;
  e.confusion = confusion_of(in.whole.pairs, in.labels, in.matrix_labels(class_count));
  e.classes = classes_of(e.confusion, class_count, e.images.judged);
  e.overall = overall_of(e.confusion, e.images.judged);
  in.stages.fill(e);
  e.latency = in.latency.result();
  e.cache = in.cache;
  e.pictures_with_warnings = in.pictures_with_warnings;
  e.bad_images = in.bad_images;
  std::sort(e.bad_images.begin(), e.bad_images.end(),
            [](const BadImage& a, const BadImage& b) { return a.row < b.row; });
  for (const std::string& name : in.run.slices) {
    e.slices.push_back(in.slice_metrics(name, in.by_slice.at(name), e.confusion, class_count));
  }
  for (const auto& [name, group] : in.by_slice) {
    const auto& listed = in.run.slices;
    if (std::find(listed.begin(), listed.end(), name) != listed.end()) continue;
    e.slices.push_back(in.slice_metrics(name, group, e.confusion, class_count));
  }
  return e;
}

}  // namespace fpcls
