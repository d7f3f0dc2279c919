#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/enum_names.h"
#include "metrics/evaluation.h"
#include "metrics/paired.h"
#include "predictions/prediction.h"

/// Two runs over the same pictures, counted pair by pair: an accumulator that takes both answers
/// for one picture at a time, in any order. What the counts mean is for `paired.h` to say.
///
/// Judged pairs have a truth and could be decoded in at least one run; a picture that a run could
/// not decode has no right answer there, and counts among no class.
namespace fpcls {

/// One yes-or-no question about the same pictures, put to both runs.
struct PairedTally {
  PairedCounts counts;
  int64_t base_right = 0;
  int64_t candidate_right = 0;
  /// The runs said the very same of these pictures, to the last bit of every score.
  bool identical = true;
};

struct ClassComparison {
  std::string label;
  PairedTally recall;       ///< of its pictures: were they given the label?
  PairedTally specificity;  ///< of all other pictures: were they not given it?
  int64_t base_predicted = 0, candidate_predicted = 0;
};

/// The bins between the bounds of the buckets: below the first, ..., at least the last.
constexpr size_t kMigrationBins = kBucketBounds.size() + 1;

struct BucketComparison {
  std::string stage;
  int64_t images = 0;  ///< that the stage scored in both runs, as in `Buckets`
  int64_t base_only = 0, candidate_only = 0;  ///< scored by the stage in one run alone
  std::array<PairedTally, kBucketBounds.size()> at_least;
  using Migration = std::array<std::array<int64_t, kMigrationBins>, kMigrationBins>;
  /// migration[before][now]: pictures by the bin of their score for the correct class.
  Migration migration{};
  Migration migration_flipped{};  ///< of these, those whose answer changed
};

struct SliceComparison {
  std::string name;
  PairedTally accuracy;
};

enum class FlipKind { regression, wrong_to_wrong, recovery, unlabelled };

template <>
struct EnumNames<FlipKind> {
  static constexpr std::pair<FlipKind, std::string_view> entries[] = {
      {FlipKind::regression, "regression"},
      {FlipKind::wrong_to_wrong, "wrong_to_wrong"},
      {FlipKind::recovery, "recovery"},
      {FlipKind::unlabelled, "unlabelled"}};
};

/// A picture whose answer changed. Stage, scores and harm are about the wrong answer: the
/// candidate's, or for a recovery the base's. Without a truth they are about the stage that
/// accepted the candidate's answer, or else the base's.
struct Flip {
  FlipKind kind = FlipKind::unlabelled;
  std::string path;                    ///< as in the candidate
  std::string slice;                   ///< as in the base
  std::optional<std::string> label;    ///< the truth
  std::string before, now;             ///< the answers; empty: couldn't be decoded
  std::string stage;                   ///< empty: none is charged
  std::optional<float> score_before, score_now;
  std::optional<float> harm;  ///< as in ErrorCase
};

struct Comparison {
  int64_t pairs = 0;       ///< decoded in at least one run
  int64_t judged = 0;      ///< of these: of known truth
  int64_t undecodable = 0;  ///< in both runs; no part of anything below
  int64_t base_undecodable = 0, candidate_undecodable = 0;  ///< in one run alone
  int64_t labels_changed = 0;  ///< pairs with two truths
  std::string first_changed;   ///< the first of them
  int64_t labels_missing = 0;  ///< pairs whose truth only one run knows
  bool identical = true;       ///< every answer and score of every pair is the same
  PairedTally accuracy;
  std::vector<ClassComparison> classes;  ///< of the base, then others of the candidate
  std::vector<BucketComparison> buckets;  ///< of the stages that both runs have
  std::vector<SliceComparison> slices;
  std::vector<Flip> flips;  ///< in the order of FlipKind, most harm first, then by path
};

/// Whose truth counts where the runs name two; either run's where the other has none.
enum class TruthOf { base, candidate };

/// Memory grows by flips alone.
class ComparisonAccumulator {
 public:
  ComparisonAccumulator(const RunInfo& base, const RunInfo& candidate, TruthOf truth_of);
  ~ComparisonAccumulator();
  ComparisonAccumulator(ComparisonAccumulator&&) noexcept;

  void add(const Prediction& base, const Prediction& candidate);
  /// Of what was added; call it once.
  Comparison result();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fpcls
