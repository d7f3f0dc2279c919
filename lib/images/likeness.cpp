#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <vector>

#include "images/near_copies.h"

/// One picture laid on the other by Gauss-Newton steps over shift and stretch (Lucas and Kanade
/// 1981), first at half size, so that a few pixels of shift are found too.
namespace fpcls {
namespace {

/// Values of `side` x `side`.
struct Plane {
  int side = 0;
  std::vector<float> values;

  float at(int x, int y) const { return values[static_cast<size_t>(y * side + x)]; }
};

/// Where b's pixels lie that belong to a's: u' = (1 + stretch) u + shift, u in -1..1.
struct Placement {
  std::array<double, 4> p{};  // stretch and shift along x, the same along y
};

constexpr double kMaxMove = 0.12 * 2;  // of an axis that runs from -1 to 1
constexpr double kMaxStretch = 0.14;
constexpr double kDetail = 3.0;  // standard deviation, of 255, below which there is none

Plane half_size(const Plane& plane) {
  Plane half{plane.side / 2, {}};
  for (int y = 0; y < half.side; ++y) {
    for (int x = 0; x < half.side; ++x) {
      half.values.push_back((plane.at(2 * x, 2 * y) + plane.at(2 * x + 1, 2 * y) +
                             plane.at(2 * x, 2 * y + 1) + plane.at(2 * x + 1, 2 * y + 1)) /
                            4);
    }
  }
  return half;
}

/// Running mean over 2 radius + 1 values along one axis, fewer at the ends.
void box_blur(Plane& plane, int radius, bool along_x) {
  std::vector<float> line(static_cast<size_t>(plane.side));
  for (int i = 0; i < plane.side; ++i) {
    const auto value = [&](int j) -> float& {
      return plane.values[static_cast<size_t>(along_x ? i * plane.side + j : j * plane.side + i)];
    };
    for (int j = 0; j < plane.side; ++j) line[static_cast<size_t>(j)] = value(j);
    float sum = 0;
    int low = 0, high = 0;
    for (int j = 0; j < plane.side; ++j) {
      for (; high < std::min(plane.side, j + radius + 1); ++high) {
        sum += line[static_cast<size_t>(high)];
      }
      for (; low < j - radius; ++low) sum -= line[static_cast<size_t>(low)];
      value(j) = sum / static_cast<float>(high - low);
    }
  }
}

Plane blurred(Plane plane, int radius) {
  for (int pass = 0; pass < 2; ++pass) {
    box_blur(plane, radius, true);
    box_blur(plane, radius, false);
  }
  return plane;
}

/// What is left of a picture without its large-scale light: lighting makes unrelated pictures look
/// alike.
Plane details(const Plane& plane) {
  Plane result = plane;
  const Plane light = blurred(plane, plane.side / 8);
  for (size_t i = 0; i < result.values.size(); ++i) result.values[i] -= light.values[i];
  return result;
}

/// `details` with the same contrast everywhere, so that the edge of a table doesn't outweigh the
/// drawing on it. Contrast below kDetail stays low: it is noise.
Plane evened(const Plane& details) {
  Plane energy = details;
  for (float& value : energy.values) value *= value;
  energy = blurred(std::move(energy), details.side / 8);
  Plane result = details;
  for (size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] /= std::sqrt(std::max(0.0F, energy.values[i]) +
                                  static_cast<float>(kDetail * kDetail));
  }
  return result;
}

double standard_deviation(const Plane& plane) {
  double sum = 0, squares = 0;
  for (const float value : plane.values) {
    sum += value;
    squares += double{value} * value;
  }
  const double n = static_cast<double>(plane.values.size()), mean = sum / n;
  return std::sqrt(std::max(0.0, squares / n - mean * mean));
}

/// b's pixel that lies on a's (x, y), with its slopes; nothing outside of b.
struct Sample {
  float value, slope_x, slope_y;
};
std::optional<Sample> sample(const Plane& b, double x, double y) {
  const int x0 = static_cast<int>(std::floor(x)), y0 = static_cast<int>(std::floor(y));
  if (x0 < 0 || y0 < 0 || x0 + 1 >= b.side || y0 + 1 >= b.side) return std::nullopt;
  const auto fx = static_cast<float>(x - x0), fy = static_cast<float>(y - y0);
  const float v00 = b.at(x0, y0), v10 = b.at(x0 + 1, y0);
  const float v01 = b.at(x0, y0 + 1), v11 = b.at(x0 + 1, y0 + 1);
  const float top = v00 + fx * (v10 - v00), bottom = v01 + fx * (v11 - v01);
  return Sample{top + fy * (bottom - top), (1 - fy) * (v10 - v00) + fy * (v11 - v01),
                bottom - top};
}

struct Overlap {
  double correlation = 0;
  double gain = 0;      // a is about gain * b + offset
  double offset = 0;
  bool enough = false;  // of the picture overlaps, and there is detail in it
};

template <class Use>
void for_each_pixel(const Plane& b, const Placement& place, Use use) {
  const double half = b.side / 2.0;
  for (int y = 0; y < b.side; ++y) {
    const double v = (y + 0.5 - half) / half;
    const double by = ((1 + place.p[2]) * v + place.p[3]) * half + half - 0.5;
    for (int x = 0; x < b.side; ++x) {
      const double u = (x + 0.5 - half) / half;
      const double bx = ((1 + place.p[0]) * u + place.p[1]) * half + half - 0.5;
      if (const auto s = sample(b, bx, by)) use(x, y, u, v, *s);
    }
  }
}

Overlap overlap(const Plane& a, const Plane& b, const Placement& place) {
  double n = 0, sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
  for_each_pixel(b, place, [&](int x, int y, double, double, const Sample& s) {
    const double va = a.at(x, y), vb = s.value;
    ++n, sa += va, sb += vb, saa += va * va, sbb += vb * vb, sab += va * vb;
  });
  Overlap result;
  if (n < 0.6 * a.side * a.side) return result;
  const double var_a = saa / n - sa / n * sa / n, var_b = sbb / n - sb / n * sb / n;
  if (var_a < 1e-6 || var_b < 1e-6) return result;
  const double covariance = sab / n - sa / n * sb / n;
  result.correlation = covariance / std::sqrt(var_a * var_b);
  result.gain = covariance / var_b;
  result.offset = sa / n - result.gain * sb / n;
  result.enough = true;
  return result;
}

/// Solves the symmetric 4 x 4 system by elimination; false when it is singular.
bool solve(std::array<std::array<double, 5>, 4>& m) {
  for (size_t i = 0; i < 4; ++i) {
    if (m[i][i] < 1e-9) return false;
    for (size_t r = 0; r < 4; ++r) {
      if (r == i) continue;
      const double factor = m[r][i] / m[i][i];
      for (size_t c = i; c < 5; ++c) m[r][c] -= factor * m[i][c];
    }
  }
  return true;
}

/// One Gauss-Newton step; false when there is none to make.
bool improve(const Plane& a, const Plane& b, const Overlap& now, Placement& place) {
  std::array<std::array<double, 5>, 4> m{};
  const double half = b.side / 2.0;
  for_each_pixel(b, place, [&](int x, int y, double u, double v, const Sample& s) {
    const double error = a.at(x, y) - now.gain * s.value - now.offset;
    const double gx = now.gain * s.slope_x * half, gy = now.gain * s.slope_y * half;
    const std::array<double, 4> j{gx * u, gx, gy * v, gy};
    for (size_t r = 0; r < 4; ++r) {
      for (size_t c = 0; c < 4; ++c) m[r][c] += j[r] * j[c];
      m[r][4] += j[r] * error;
    }
  });
  for (size_t i = 0; i < 4; ++i) m[i][i] *= 1.01;
  if (!solve(m)) return false;
  double largest = 0;
  for (size_t i = 0; i < 4; ++i) {
    const double limit = i % 2 == 0 ? kMaxStretch : kMaxMove;
    const double step = m[i][4] / m[i][i];
    const double next = std::clamp(place.p[i] + step, -limit, limit);
    largest = std::max(largest, std::abs(next - place.p[i]));
    place.p[i] = next;
  }
  return largest > 1e-3;
}

/// The best correlation on the way from `place`, which becomes where it is.
double fit(const Plane& a, const Plane& b, int steps, Placement& place) {
  double best = -1;
  Placement best_place = place, trial = place;
  for (int step = 0; step <= steps; ++step) {
    const Overlap now = overlap(a, b, trial);
    if (!now.enough) break;
    if (now.correlation > best) {
      best = now.correlation;
      best_place = trial;
    }
    if (now.gain <= 0 || !improve(a, b, now, trial)) break;
  }
  place = best_place;
  return best;
}

Plane plane_of(const Fingerprint& picture) {
  return {Fingerprint::kSide, {picture.grey.begin(), picture.grey.end()}};
}

double mean_of(const Plane& plane) {
  double sum = 0;
  for (const float value : plane.values) sum += value;
  return sum / static_cast<double>(plane.values.size());
}

}  // namespace

double likeness(const Fingerprint& a, const Fingerprint& b) {
  if (a.grey == b.grey) return 1;
  const Plane plane_a = plane_of(a), plane_b = plane_of(b);
  const Plane fine_a = details(plane_a), fine_b = details(plane_b);
  const bool flat_a = standard_deviation(fine_a) < kDetail;
  const bool flat_b = standard_deviation(fine_b) < kDetail;
  if (flat_a || flat_b) {
    return flat_a && flat_b && std::abs(mean_of(plane_a) - mean_of(plane_b)) <= 16 ? 1 : 0;
  }
  const Plane even_a = evened(fine_a), even_b = evened(fine_b);
  Placement place;
  const double coarse =
      fit(half_size(blurred(even_a, 1)), half_size(blurred(even_b, 1)), 12, place);
  constexpr double kHopeless = 0.4;
  if (coarse < kHopeless) return std::max(0.0, coarse);
  return std::clamp(fit(even_a, even_b, 8, place), 0.0, 1.0);
}

}  // namespace fpcls
