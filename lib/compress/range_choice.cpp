#include "compress/range_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"

namespace fpcls {
namespace {

constexpr int kCandidates = 128;  ///< limits that the searches try
constexpr double kMostDb = 200;

/// The values of magnitude up to `limit`.
ValueRange cut(const Histogram& h, double limit) {
  const auto t = static_cast<float>(limit);
  return {std::max(std::min(h.min, 0.0F), -t), std::min(std::max(h.max, 0.0F), t)};
}

double largest_magnitude(const Histogram& h) {
  return std::max(std::abs(h.min), std::abs(h.max));
}

QuantParams params_for(ValueRange range, const RangeOptions& options) {
  return options.symmetric ? choose_symmetric_params(range, options.bits)
                           : choose_quant_params(range, options.bits);
}

/// Values of bin `i` that aren't exactly 0.
int64_t nonzeros(const Histogram& h, size_t i) {
  return h.counts[i] - (h.first + static_cast<int>(i) == 0 ? h.zeros : 0);
}

/// Bins by magnitude: [0, w), [w, 2w) … Exact zeros are left out, as they cost nothing.
std::vector<double> magnitudes(const Histogram& h) {
  std::vector<double> bins;
  for (size_t i = 0; i < h.counts.size(); ++i) {
    const int bin = h.first + static_cast<int>(i);
    const auto at = static_cast<size_t>(bin >= 0 ? bin : -1 - bin);
    if (at >= bins.size()) bins.resize(at + 1);
    bins[at] += static_cast<double>(nonzeros(h, i));
  }
  return bins;
}

double percentile_limit(const Histogram& h, double percent) {
  const double wanted = percent / 100 * static_cast<double>(h.total);
  const std::vector<double> bins = magnitudes(h);
  double seen = static_cast<double>(h.zeros);
  for (size_t i = 0; i < bins.size(); ++i) {
    seen += bins[i];
    if (seen >= wanted) {
      return std::min(largest_magnitude(h), static_cast<double>(i + 1) * h.width());
    }
  }
  return largest_magnitude(h);
}

/// Divergence of the first `kept` bins, with all beyond in the last, from the same in `levels`
/// steps.
double divergence(const std::vector<double>& bins, size_t kept, size_t levels) {
  std::vector<double> before(bins.begin(), bins.begin() + static_cast<std::ptrdiff_t>(kept));
  double all = 0;
  for (size_t i = 0; i < bins.size(); ++i) all += bins[i];
  std::vector<double> after(kept);
  double inside = 0;
  for (size_t level = 0; level < levels; ++level) {
    const size_t from = level * kept / levels, to = (level + 1) * kept / levels;
    double sum = 0;
    int used = 0;
    for (size_t i = from; i < to; ++i) {
      sum += bins[i];
      used += bins[i] > 0;
    }
    for (size_t i = from; i < to; ++i) after[i] = bins[i] > 0 ? sum / used : 0;
    inside += sum;
  }
  for (size_t i = kept; i < bins.size(); ++i) before[kept - 1] += bins[i];
  if (all == 0 || inside == 0) return std::numeric_limits<double>::infinity();
  constexpr double kLeast = 1e-9;  // where cut values fall into a bin that had none
  double sum = 0;
  for (size_t i = 0; i < kept; ++i) {
    if (before[i] == 0) continue;
    sum += before[i] / all * std::log(before[i] / all / std::max(after[i] / inside, kLeast));
  }
  return sum;
}

double entropy_limit(const Histogram& h, const RangeOptions& options) {
  const std::vector<double> bins = magnitudes(h);
  const bool one_sided = !options.symmetric && h.min >= 0;
  const auto levels = static_cast<size_t>(1) << (options.bits - (one_sided ? 0 : 1));
  double best = std::numeric_limits<double>::infinity();
  size_t best_kept = bins.size();
  const size_t step = std::max<size_t>(1, bins.size() / kCandidates);
  for (size_t kept = bins.size(); kept >= levels; kept -= step) {
    const double d = divergence(bins, kept, levels);
    if (d < best) {
      best = d;
      best_kept = kept;
    }
    if (kept < step) break;
  }
  return std::min(largest_magnitude(h), static_cast<double>(best_kept) * h.width());
}

/// Mean square of what `params` changes in the values that aren't 0, times their count.
double noise(const Histogram& h, const QuantParams& params) {
  const ValueRange kept = representable(params);
  const double width = h.width();
  double sum = 0;
  for (size_t i = 0; i < h.counts.size(); ++i) {
    const auto count = static_cast<double>(nonzeros(h, i));
    if (count == 0) continue;
    const double x = h.center(i);
    const double y = dequantize(quantize(static_cast<float>(x), params), params);
    const bool inside = x > kept.min && x < kept.max;
    const double step = params.scale;
    const double error = inside && step <= width ? step * step / 12 : (x - y) * (x - y);
    sum += count * error;
  }
  return sum;
}

double mse_limit(const Histogram& h, const RangeOptions& options) {
  const double largest = largest_magnitude(h);
  double best = std::numeric_limits<double>::infinity();
  double limit = largest;
  for (int i = kCandidates; i > 0; --i) {
    const double candidate = largest * i / kCandidates;
    const double error = noise(h, params_for(cut(h, candidate), options));
    if (error < best) {
      best = error;
      limit = candidate;
    }
  }
  return limit;
}

double limit_for(const Histogram& h, RangeMethod method, const RangeOptions& options) {
  switch (method) {
    case RangeMethod::percentile:
      return percentile_limit(h, options.percentile);
    case RangeMethod::entropy:
      return entropy_limit(h, options);
    case RangeMethod::mse:
      return mse_limit(h, options);
    case RangeMethod::minmax:
    case RangeMethod::automatic:
      break;
  }
  return largest_magnitude(h);
}

RangeChoice choice_by(const Histogram& h, RangeMethod method, const RangeOptions& options) {
  RangeChoice choice;
  choice.method = method;
  choice.range = cut(h, limit_for(h, method, options));
  choice.params = params_for(choice.range, options);
  choice.sqnr_db = sqnr_db(h, choice.params);
  return choice;
}

}  // namespace

double sqnr_db(const Histogram& h, const QuantParams& params) {
  double signal = 0;
  for (size_t i = 0; i < h.counts.size(); ++i) {
    signal += static_cast<double>(nonzeros(h, i)) * h.center(i) * h.center(i);
  }
  const double error = noise(h, params);
  if (signal == 0 || error == 0) return kMostDb;
  return std::min(kMostDb, 10 * std::log10(signal / error));
}

RangeChoice choose_range(const Histogram& h, const RangeOptions& options) {
  if (h.total == 0) fail("no values were counted; calibrate with at least one picture");
  if (h.nonfinite > 0) fail("{} values are NaN or infinite, expected finite ones", h.nonfinite);
  if (options.method != RangeMethod::automatic) return choice_by(h, options.method, options);
  RangeChoice best = choice_by(h, RangeMethod::minmax, options);
  for (const RangeMethod method :
       {RangeMethod::percentile, RangeMethod::entropy, RangeMethod::mse}) {
    const RangeChoice choice = choice_by(h, method, options);
    if (choice.sqnr_db > best.sqnr_db) best = choice;
  }
  return best;
}

}  // namespace fpcls
