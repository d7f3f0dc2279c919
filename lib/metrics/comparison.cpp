#include "metrics/comparison.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "metrics/charge.h"

namespace fpcls {
namespace {

void count(PairedTally& tally, bool before, bool now) {
  ++tally.counts.n;
  tally.base_right += before ? 1 : 0;
  tally.candidate_right += now ? 1 : 0;
  tally.counts.lost += before && !now ? 1 : 0;
  tally.counts.gained += !before && now ? 1 : 0;
}

size_t bin_of(float score) {
  size_t bin = 0;
  while (bin < kBucketBounds.size() && score >= kBucketBounds[bin]) ++bin;
  return bin;
}

/// By place, or -1: the candidate's stage of the same name as each of the base's.
std::vector<int> matching_stages(const RunInfo& base, const RunInfo& candidate) {
  std::vector<int> places;
  for (const StageInfo& stage : base.stages) {
    const auto found =
        std::find_if(candidate.stages.begin(), candidate.stages.end(),
                     [&](const StageInfo& other) { return other.name == stage.name; });
    places.push_back(found == candidate.stages.end()
                         ? -1
                         : static_cast<int>(found - candidate.stages.begin()));
  }
  return places;
}

bool comes_before(const Flip& a, const Flip& b) {
  const auto harm = [](const Flip& flip) { return flip.harm.value_or(-1.0F); };
  if (a.kind != b.kind) return a.kind < b.kind;
  if (harm(a) != harm(b)) return harm(a) > harm(b);
  return std::tie(a.path, a.before, a.now) < std::tie(b.path, b.before, b.now);
}

}  // namespace

struct ComparisonAccumulator::Impl {
  Impl(const RunInfo& base, const RunInfo& candidate, TruthOf truth)
      : runs{base, candidate}, truth_of(truth), matches(matching_stages(base, candidate)) {
    for (const RunInfo& run : runs) {
      for (const std::string& label : stage_labels(run)) class_of(label);
    }
    for (size_t i = 0; i < matches.size(); ++i) {
      if (matches[i] < 0) continue;
      result.buckets.emplace_back();
      result.buckets.back().stage = base.stages[i].name;
    }
  }

  /// Place of a label among the classes, where it gets one at first sight; -1 for what isn't one.
  int class_of(const std::string& label) {
    if (label.empty() || label == runs[0].otherwise || label == runs[1].otherwise) return -1;
    const auto [found, fresh] = class_places.emplace(label, result.classes.size());
    if (fresh) {
      result.classes.emplace_back();
      result.classes.back().label = label;
      class_differs.push_back(false);
    }
    return static_cast<int>(found->second);
  }

  ClassComparison& at(int place) { return result.classes[static_cast<size_t>(place)]; }

  SliceComparison& slice(const std::string& name) {
    const auto [found, fresh] = slice_places.emplace(name, result.slices.size());
    if (fresh) result.slices.push_back({name, {}});
    return result.slices[found->second];
  }

  void add(const Prediction& base, const Prediction& candidate) {
    if (!base.decoded() && !candidate.decoded()) {
      ++result.undecodable;
      return;
    }
    ++result.pairs;
    result.base_undecodable += base.decoded() ? 0 : 1;
    result.candidate_undecodable += candidate.decoded() ? 0 : 1;
    const bool differs = base.predicted != candidate.predicted || scores_differ(base, candidate);
    if (differs) result.identical = false;
    const std::optional<std::string>& truth = find_truth(base, candidate);
    if (truth) judge(base, candidate, *truth, differs);
    if (base.predicted != candidate.predicted) add_flip(base, candidate, truth);
  }

  const std::optional<std::string>& find_truth(const Prediction& base,
                                               const Prediction& candidate) {
    if (base.label.has_value() != candidate.label.has_value()) {
      ++result.labels_missing;
      return base.label ? base.label : candidate.label;
    }
    if (base.label != candidate.label && ++result.labels_changed == 1) {
      result.first_changed = candidate.path;
    }
    return truth_of == TruthOf::base ? base.label : candidate.label;
  }

  bool scores_differ(const Prediction& base, const Prediction& candidate) const {
    size_t met = 0;
    for (const StageScores& before : base.scores) {
      const int match = matches[static_cast<size_t>(before.stage)];
      const StageScores* now =
          match < 0 ? nullptr : find_scores(candidate, static_cast<size_t>(match));
      if (now == nullptr || now->scores != before.scores) return true;
      ++met;
    }
    return met != candidate.scores.size();
  }

  void judge(const Prediction& base, const Prediction& candidate, const std::string& truth,
             bool differs) {
    ++result.judged;
    const bool before = base.predicted == truth, now = candidate.predicted == truth;
    const auto count_in = [&](PairedTally& tally) {
      count(tally, before, now);
      if (differs) tally.identical = false;
    };
    count_in(result.accuracy);
    count_in(slice(base.slice).accuracy);
    const int true_class = class_of(truth);
    if (true_class >= 0) count_in(at(true_class).recall);
    judge_predicted(base.predicted, candidate.predicted, true_class);
    if (differs) note_difference(true_class);
    judge_buckets(base, candidate, truth);
  }

  /// Counts false positives; what is wanted of them is completed in `finish`.
  void judge_predicted(const std::string& before, const std::string& now, int true_class) {
    const int was = class_of(before), is = class_of(now);
    if (was >= 0) ++at(was).base_predicted;
    if (is >= 0) ++at(is).candidate_predicted;
    if (was == is) return;
    if (is >= 0 && is != true_class) ++at(is).specificity.counts.lost;
    if (was >= 0 && was != true_class) ++at(was).specificity.counts.gained;
  }

  /// A pair with a difference belongs to the pictures of every class but its own.
  void note_difference(int true_class) {
    if (true_class < 0) {
      rest_differs = true;
    } else {
      class_differs[static_cast<size_t>(true_class)] = true;
    }
  }

  void judge_buckets(const Prediction& base, const Prediction& candidate,
                     const std::string& truth) {
    size_t next = 0;
    for (size_t i = 0; i < matches.size(); ++i) {
      if (matches[i] < 0) continue;
      BucketComparison& bucket = result.buckets[next++];
      const auto match = static_cast<size_t>(matches[i]);
      const StageScores* before = find_scores(base, i);
      const StageScores* now = find_scores(candidate, match);
      if (before == nullptr || now == nullptr) {
        bucket.base_only += before != nullptr ? 1 : 0;
        bucket.candidate_only += now != nullptr ? 1 : 0;
        continue;
      }
      const auto correct_before = correct_score(runs[0].stages[i], before->scores, truth);
      const auto correct_now = correct_score(runs[1].stages[match], now->scores, truth);
      if (!correct_before || !correct_now) continue;
      ++bucket.images;
      for (size_t k = 0; k < kBucketBounds.size(); ++k) {
        count(bucket.at_least[k], *correct_before >= kBucketBounds[k],
              *correct_now >= kBucketBounds[k]);
        if (before->scores != now->scores) bucket.at_least[k].identical = false;
      }
      const size_t from = bin_of(*correct_before), to = bin_of(*correct_now);
      ++bucket.migration[from][to];
      bucket.migration_flipped[from][to] += base.predicted != candidate.predicted ? 1 : 0;
    }
  }

  void add_flip(const Prediction& base, const Prediction& candidate,
                const std::optional<std::string>& truth) {
    Flip flip;
    flip.path = candidate.path;
    flip.slice = base.slice;
    flip.label = truth;
    flip.before = base.predicted;
    flip.now = candidate.predicted;
    if (!truth) {
      charge_unlabelled(flip, base, candidate);
    } else {
      flip.kind = candidate.predicted == *truth ? FlipKind::recovery
                  : base.predicted == *truth    ? FlipKind::regression
                                                : FlipKind::wrong_to_wrong;
      charge(flip, base, candidate, *truth);
    }
    result.flips.push_back(std::move(flip));
  }

  void charge(Flip& flip, const Prediction& base, const Prediction& candidate,
              const std::string& truth) const {
    const bool recovery = flip.kind == FlipKind::recovery;
    const Prediction& wrong = recovery ? base : candidate;
    const RunInfo& run = runs[recovery ? 0 : 1];
    if (!wrong.decoded()) return;
    const Charge found = charge_error(run, wrong, truth);
    if (found.stage < 0) return;
    flip.stage = run.stages[static_cast<size_t>(found.stage)].name;
    flip.harm = found.harm;
    flip.score_before = score_of(runs[0], base, flip.stage, found.about);
    flip.score_now = score_of(runs[1], candidate, flip.stage, found.about);
  }

  void charge_unlabelled(Flip& flip, const Prediction& base, const Prediction& candidate) const {
    const bool by_candidate = candidate.stage >= 0;
    const Prediction& accepted = by_candidate ? candidate : base;
    if (accepted.stage < 0) return;
    flip.stage = runs[by_candidate ? 1 : 0].stages[static_cast<size_t>(accepted.stage)].name;
    flip.score_before = score_of(runs[0], base, flip.stage, accepted.predicted);
    flip.score_now = score_of(runs[1], candidate, flip.stage, accepted.predicted);
  }

  static std::optional<float> score_of(const RunInfo& run, const Prediction& prediction,
                                       const std::string& stage, const std::string& label) {
    for (size_t i = 0; i < run.stages.size(); ++i) {
      if (run.stages[i].name != stage || !can_give(run.stages[i], label)) continue;
      const StageScores* scores = find_scores(prediction, i);
      if (scores != nullptr) return score_for(run.stages[i], scores->scores, label);
    }
    return std::nullopt;
  }

  Comparison finish() {
    const auto differing = std::count(class_differs.begin(), class_differs.end(), true);
    for (size_t i = 0; i < result.classes.size(); ++i) {
      ClassComparison& c = result.classes[i];
      PairedTally& others = c.specificity;
      others.counts.n = result.judged - c.recall.counts.n;
      others.base_right = others.counts.n - (c.base_predicted - c.recall.base_right);
      others.candidate_right = others.counts.n - (c.candidate_predicted - c.recall.candidate_right);
      others.identical = !rest_differs && differing == (class_differs[i] ? 1 : 0);
    }
    std::sort(result.flips.begin(), result.flips.end(), comes_before);
    return std::move(result);
  }

  std::array<RunInfo, 2> runs;
  TruthOf truth_of;
  std::vector<int> matches;
  Comparison result;
  std::unordered_map<std::string, size_t> class_places, slice_places;
  std::vector<bool> class_differs;  // whether any picture of the class was answered otherwise
  bool rest_differs = false;        // the same of pictures of no class
};

ComparisonAccumulator::ComparisonAccumulator(const RunInfo& base, const RunInfo& candidate,
                                             TruthOf truth_of)
    : impl_(std::make_unique<Impl>(base, candidate, truth_of)) {}
ComparisonAccumulator::~ComparisonAccumulator() = default;
ComparisonAccumulator::ComparisonAccumulator(ComparisonAccumulator&&) noexcept = default;

void ComparisonAccumulator::add(const Prediction& base, const Prediction& candidate) {
  impl_->add(base, candidate);
}

Comparison ComparisonAccumulator::result() { return impl_->finish(); }

}  // namespace fpcls
