#pragma once

#include <string_view>
#include <utility>

#include "base/enum_names.h"
#include "base/histogram.h"
#include "graph/quant_params.h"

/// Which range of a tensor's values its integers are to cover, decided from its histogram alone: a
/// wide range cuts nothing but has coarse steps, a narrow one the other way round.
namespace fpcls {

enum class RangeMethod {
  automatic,   ///< of the four, the one with the highest SQNR
  minmax,      ///< all values
  percentile,  ///< all but the largest few magnitudes
  entropy,     ///< least Kullback-Leibler divergence between the magnitudes before and after
  mse,         ///< least squared error
};

template <>
struct EnumNames<RangeMethod> {
  static constexpr std::pair<RangeMethod, std::string_view> entries[] = {
      {RangeMethod::automatic, "auto"},
      {RangeMethod::minmax, "minmax"},
      {RangeMethod::percentile, "percentile"},
      {RangeMethod::entropy, "entropy"},
      {RangeMethod::mse, "mse"}};
};

struct RangeOptions {
  RangeMethod method = RangeMethod::automatic;
  double percentile = 99.99;  ///< share of the values that `percentile` keeps, in percent
  int bits = 8;
  /// Signed integers without a zero point, else unsigned ones with one.
  bool symmetric = false;
};

struct RangeChoice {
  RangeMethod method = RangeMethod::minmax;  ///< that gave the range; never `automatic`
  ValueRange range;
  QuantParams params;
  double sqnr_db = 0;  ///< signal to quantization noise of the counted values
};

/// Throws Error for a histogram without values or with ones that aren't finite.
RangeChoice choose_range(const Histogram& histogram, const RangeOptions& options);

/// 10 log10 of the values' mean square over the mean square of what `params` changes in them; at
/// most 200. Each bin's values are taken to lie at its middle where steps are wider than bins and
/// spread evenly where they are not, the zeros exactly at zero.
double sqnr_db(const Histogram& histogram, const QuantParams& params);

}  // namespace fpcls
