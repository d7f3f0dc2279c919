#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/enum_names.h"

/// Which few of many pictures stand for all of them, by what a model makes of each.
namespace fpcls {

enum class SelectionStrategy {
  cover,    ///< spread over all kinds of pictures, so that none is far from a chosen one
  medoids,  ///< the middles of as many clusters: most where pictures are dense
  similar,  ///< close to each other: those nearest to their group's middle
  random,   ///< by chance within each group: the control that the others have to beat
};

template <>
struct EnumNames<SelectionStrategy> {
  static constexpr std::pair<SelectionStrategy, std::string_view> entries[] = {
      {SelectionStrategy::cover, "cover"},
      {SelectionStrategy::medoids, "medoids"},
      {SelectionStrategy::similar, "similar"},
      {SelectionStrategy::random, "random"}};
};

/// One row of numbers for each picture, f32 {count, dimensions}.
struct FeatureTable {
  int dimensions = 0;
  std::vector<float> values;

  int64_t count() const {
    return dimensions == 0 ? 0 : static_cast<int64_t>(values.size()) / dimensions;
  }
  const float* row(int64_t i) const { return values.data() + i * dimensions; }
};

/// Squared Euclidean distance of two pictures.
double squared_distance(const FeatureTable& table, int64_t a, int64_t b);

struct SelectionOptions {
  SelectionStrategy strategy = SelectionStrategy::cover;
  int64_t count = 512;
  /// Share of `count` that goes to pictures where a layer's values are largest, for `cover` and
  /// `medoids`.
  double range_ratio = 0.1;
  /// A picture is foreign when its distance to its nearest neighbours is more than this multiple
  /// of the median of all; 0 keeps every one.
  double foreign_multiple = 4;
  uint64_t seed = 0;
};

struct Selection {
  std::vector<int64_t> chosen;   ///< ascending
  std::vector<int64_t> foreign;  ///< left out, ascending
};

/// Chooses among the pictures that `features` describes. `groups` (class or score bucket, slice)
/// has a name for each picture; every group gets its share of the count, at least one picture while
/// there are enough. `extremes`, {count, layers} row-major, holds each layer's largest magnitude in
/// each picture; it may be empty. Pictures are told apart by `names`, so that the result depends on
/// the set of pictures alone, not on their order.
///
/// `cover` takes in each group the picture nearest to the middle, then always the one farthest from
/// those taken (k-centre greedy, Gonzalez 1985). `medoids` goes on from there: each picture joins the
/// nearest taken one, and the member nearest to the mean of those takes its place, until nothing
/// changes (after Park and Jun 2009).
Selection select_pictures(const FeatureTable& features, const std::vector<std::string>& groups,
                          const std::vector<std::string>& names,
                          const std::vector<float>& extremes, const SelectionOptions& options);

/// How well the chosen pictures stand for all of `among`.
struct Coverage {
  double mean_distance = 0;  ///< from a picture to the nearest chosen one
  double max_distance = 0;
  double range_ratio = 1;  ///< mean over layers of the chosen's largest magnitude over the pool's
};

Coverage coverage_of(const FeatureTable& features, const std::vector<float>& extremes,
                     const std::vector<int64_t>& among, const std::vector<int64_t>& chosen);

/// Splits `count` in proportion to `sizes`, largest remainders first; each gets at least one while
/// there are enough, and at most its size.
std::vector<int64_t> proportional_shares(const std::vector<int64_t>& sizes, int64_t count);

}  // namespace fpcls
