#include "metrics/choose_thresholds.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/text.h"
#include "predictions/decision.h"

namespace fpcls {
namespace {

bool is_label_of(const StageInfo& stage, const std::string& label) {
  return (!stage.negative.empty() && label == stage.negative) ||
         std::find(stage.scored_labels.begin(), stage.scored_labels.end(), label) !=
             stage.scored_labels.end();
}

/// What a stage would say of a picture if its threshold were low enough: the label, and the
/// confidence in it that is compared with the threshold.
struct Claim {
  float confidence = 0;
  bool correct = false;    // the label is the truth
  bool reachable = false;  // the truth is one of the stage's labels
};

Claim claim_of(const StageInfo& stage, const std::vector<float>& scores, const std::string& truth) {
  Claim claim;
  const std::string* label = nullptr;
  if (stage.binary) {
    label = &stage.scored_labels[0];
    claim.confidence = scores[0];
    if (!stage.negative.empty() && 1.0F - scores[0] > scores[0]) {
      label = &stage.negative;
      claim.confidence = 1.0F - scores[0];
    }
  } else {
    const auto best = std::max_element(scores.begin(), scores.end());
    label = &stage.scored_labels[static_cast<size_t>(best - scores.begin())];
    claim.confidence = *best;
  }
  claim.correct = *label == truth;
  claim.reachable = is_label_of(stage, truth);
  return claim;
}

/// Of one half's claims. `lowest` is the least threshold that is allowed; where none meets the
/// wish, none or the nearest to it.
std::optional<float> choose_accept(std::vector<Claim> claims, Wish wish, float lowest,
                                   bool take_nearest) {
  std::stable_sort(claims.begin(), claims.end(),
                   [](const Claim& a, const Claim& b) { return a.confidence > b.confidence; });
  const auto reachable = static_cast<double>(
      std::count_if(claims.begin(), claims.end(), [](const Claim& c) { return c.reachable; }));
  // Ratios of counts meet a wish that they equal, whatever was rounded.
  const double least = wish.wanted - 1e-12;
  std::optional<float> chosen, nearest;
  double correct = 0, best = 0;
  for (size_t i = 0; i < claims.size(); ++i) {
    if (claims[i].confidence < lowest) break;
    correct += claims[i].correct ? 1 : 0;
    const bool more_of_the_same =
        i + 1 < claims.size() && claims[i + 1].confidence == claims[i].confidence;
    if (more_of_the_same) continue;
    const double got = wish.figure == Figure::precision ? correct / static_cast<double>(i + 1)
                       : reachable > 0                  ? correct / reachable
                                                        : 0;
    // Of equals the threshold that covers most; for a recall that would be for nothing.
    if (!nearest || got > best || (got == best && wish.figure == Figure::precision)) {
      nearest = claims[i].confidence;
      best = got;
    }
    if (got < least) continue;
    chosen = claims[i].confidence;
    if (wish.figure == Figure::recall) break;
  }
  return chosen || !take_nearest ? chosen : nearest;
}

/// A stage that speaks for two labels accepts both at one half and less.
float lowest_threshold(const StageInfo& stage) {
  return stage.negative.empty() ? 0.0F : std::nextafter(0.5F, 1.0F);
}

std::optional<double> figure_of(const ThresholdFigures& figures, Figure figure) {
  return figure == Figure::precision ? figures.precision() : figures.recall();
}

[[noreturn]] void fail_without_stage(const RunInfo& run, const std::string& name) {
  std::vector<std::string> names;
  for (const StageInfo& stage : run.stages) names.push_back(stage.name);
  fail("choosing thresholds: there is no stage {}; the run has {}", quoted(name),
       fmt::join(names, ", "));
}

}  // namespace

ThresholdChooser::ThresholdChooser(RunInfo run) : run_(std::move(run)) {}

void ThresholdChooser::add(const Prediction& prediction) {
  if (!prediction.label || !prediction.decoded() ||
      prediction.scores.size() != run_.stages.size()) {
    ++skipped_;
    return;
  }
  // Others' CSV holds no SHA-256; a picture's path then says on which side it stands.
  const std::string side =
      prediction.sha256.empty() ? sha256_hex(prediction.path) : prediction.sha256;
  Row row{prediction.scores, *prediction.label, side.back() < '8', false};
  row.reachable = std::any_of(run_.stages.begin(), run_.stages.end(), [&](const StageInfo& stage) {
    return is_label_of(stage, row.label);
  });
  std::sort(row.scores.begin(), row.scores.end(),
            [](const StageScores& a, const StageScores& b) { return a.stage < b.stage; });
  rows_.push_back(std::move(row));
}

ThresholdChoice ThresholdChooser::choose(const Wishes& wishes) const {
  const auto choosing =
      std::count_if(rows_.begin(), rows_.end(), [](const Row& row) { return row.chooses; });
  const auto judging = static_cast<int64_t>(rows_.size()) - choosing;
  if (choosing == 0 || judging == 0) {
    fail(
        "choosing thresholds needs labelled pictures on both sides of a split, scored by every "
        "stage (got {} and {}; {} have no label or not all scores); evaluate with --all-stages",
        choosing, judging, skipped_);
  }
  if (wishes.funnel) return choose_funnel(*wishes.funnel);
  std::vector<std::optional<Wish>> by_stage(run_.stages.size(), wishes.every_stage);
  for (const auto& [name, wish] : wishes.stages) {
    const auto found = std::find_if(run_.stages.begin(), run_.stages.end(),
                                    [&, &name = name](const auto& s) { return s.name == name; });
    if (found == run_.stages.end()) fail_without_stage(run_, name);
    by_stage[static_cast<size_t>(found - run_.stages.begin())] = wish;
  }
  return choose_each(by_stage, false);
}

ThresholdChoice ThresholdChooser::choose_each(const std::vector<std::optional<Wish>>& wishes,
                                              bool nearest) const {
  ThresholdChoice choice;
  choice.skipped = skipped_;
  RunInfo chosen = run_;
  std::vector<bool> left(rows_.size(), true);
  const auto choosing =
      std::count_if(rows_.begin(), rows_.end(), [](const Row& row) { return row.chooses; });
  for (size_t s = 0; s < run_.stages.size(); ++s) {
    StageInfo& stage = chosen.stages[s];
    StageChoice of{stage.name, stage.accept, wishes[s], std::nullopt, {}, {}};
    std::vector<Claim> claims;
    for (size_t i = 0; i < rows_.size() && wishes[s]; ++i) {
      if (!left[i] || !rows_[i].chooses) continue;
      claims.push_back(claim_of(stage, rows_[i].scores[s].scores, rows_[i].label));
    }
    if (wishes[s]) {
      of.accept = choose_accept(std::move(claims), *wishes[s], lowest_threshold(stage), nearest);
    }
    stage.accept = of.accept.value_or(stage.accept);
    of.chosen_on.all = choosing;
    of.judged_on.all = static_cast<int64_t>(rows_.size()) - choosing;
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (!left[i]) continue;
      ThresholdFigures& figures = rows_[i].chooses ? of.chosen_on : of.judged_on;
      const std::string* label = accepted_label(stage, rows_[i].scores[s].scores);
      ++figures.entered;
      figures.reachable += is_label_of(stage, rows_[i].label) ? 1 : 0;
      if (label == nullptr) continue;
      ++figures.accepted;
      figures.correct += *label == rows_[i].label ? 1 : 0;
      left[i] = false;
    }
    choice.stages.push_back(std::move(of));
  }
  judge_funnel(chosen, choice);
  return choice;
}

void ThresholdChooser::judge_funnel(const RunInfo& chosen, ThresholdChoice& choice) const {
  for (const Row& row : rows_) {
    ThresholdFigures& figures = row.chooses ? choice.funnel_chosen_on : choice.funnel_judged_on;
    const Decision now = *decide(chosen, row.scores).decision;
    ++figures.all;
    ++figures.entered;
    figures.reachable += row.reachable ? 1 : 0;
    figures.accepted += now.stage >= 0 ? 1 : 0;
    figures.correct += now.stage >= 0 && now.label == row.label ? 1 : 0;
    if (row.chooses) continue;
    ++choice.judged;
    choice.correct_before += decide(run_, row.scores).decision->label == row.label ? 1 : 0;
    choice.correct_after += now.label == row.label ? 1 : 0;
  }
}

ThresholdChoice ThresholdChooser::choose_funnel(Wish wish) const {
  constexpr int kLevels = 1000, kStride = 50;
  const auto at_level = [&](int level) {
    const Wish each{wish.figure, static_cast<double>(level) / kLevels};
    return choose_each(std::vector<std::optional<Wish>>(run_.stages.size(), each), true);
  };
  const auto met = [&](const ThresholdChoice& choice) {
    const std::optional<double> got = figure_of(choice.funnel_chosen_on, wish.figure);
    return got && *got >= wish.wanted - 1e-12;
  };
  std::optional<ThresholdChoice> best;
  int low = 0, high = 0;  // the level sought lies above `low`, at most at `high`
  // A stage that accepts more takes pictures from those behind it, so that a higher level isn't
  // always better: the first stride that meets the wish is looked for before halving.
  while (!best && high < kLevels) {
    low = high;
    high += kStride;
    ThresholdChoice choice = at_level(high);
    if (met(choice)) best = std::move(choice);
  }
  while (best && high - low > 1) {
    const int level = low + (high - low) / 2;
    ThresholdChoice choice = at_level(level);
    const bool enough = met(choice);
    (enough ? high : low) = level;
    if (enough) best = std::move(choice);
  }
  ThresholdChoice result =
      best ? std::move(*best)
           : choose_each(std::vector<std::optional<Wish>>(run_.stages.size()), false);
  result.funnel_wish = wish;
  for (StageChoice& stage : result.stages) stage.wish.reset();
  return result;
}

}  // namespace fpcls
